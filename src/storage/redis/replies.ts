// Converts replies, which are flat arrays of strings, to the values of the ports.

import type { SubjectKey } from '../encoding/subject-key.js';
import type { Occupancy, PageItem } from '../ports.js';

export function toPageItems(reply: string[]): PageItem[] {
  const items: PageItem[] = [];
  for (let i = 0; i < reply.length; i += 3) {
    const [key, since, record = ''] = reply.slice(i, i + 3);
    items.push({ key: key as SubjectKey, sinceMs: Number(since), record });
  }
  return items;
}

export function toOccupancy(sizes: readonly number[]): Occupancy {
  const [connected = 0, reconnecting = 0, more = 0, none = 0, available = 0, busy = 0] = sizes;
  return { connected, reconnecting, devices: connected + reconnecting + more - none, available, busy };
}

export function sum(parts: readonly Occupancy[]): Occupancy {
  return parts.reduce(
    (total, part) => ({
      connected: total.connected + part.connected,
      reconnecting: total.reconnecting + part.reconnecting,
      devices: total.devices + part.devices,
      available: total.available + part.available,
      busy: total.busy + part.busy,
    }),
    { connected: 0, reconnecting: 0, devices: 0, available: 0, busy: 0 },
  );
}

export function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? '']);
}
