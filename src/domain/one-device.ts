// One device at a time: where the provider, or the application, lets a participant have only one, the connect of a newer
// device ends the older ones, whose own end may be lost. Otherwise each lost end would keep its participant present for hours
// after the device was replaced. A connect of a device, not its presence, supersedes: a device that connects again counts
// again.
import { type Connection, type EndedConnection, ended, expired, graceEndMs, isOverAge } from './connection.js';
import { type DeviceHistory, lastSignOfLife } from './device-history.js';
import { type DeviceEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

/** The first connect of another device after the last sign of life of this one. */
export interface Supersession {
  readonly atMs: number;
  readonly receivedAtMs: number;
}

interface Folded {
  readonly history: DeviceHistory;
  /** As folded: what elapsed time does is applied later. */
  readonly connection: Connection;
}

/**
 * The devices of one participant, each superseded by those that connected after it. `evictedUpToMs`: up to when events of
 * evicted devices are missing.
 */
export function supersede<T extends Folded>(
  devices: readonly T[],
  evictedUpToMs: number | undefined,
  policy: PresencePolicy,
): readonly T[] {
  if (policy.devicesAtOnce === 'many') return devices;
  return devices.map((device) => {
    const others = devices.filter((other) => other !== device).map(({ history }) => history);
    const by = supersessionOf(device.history, others, evictedUpToMs ?? Number.NEGATIVE_INFINITY);
    if (!by) return device;
    const history = { ...device.history, supersededBy: by };
    return { ...device, history, connection: superseded(device.connection, by, policy) };
  });
}

/** What was found before is kept if its event was folded or evicted since. */
function supersessionOf(
  history: DeviceHistory,
  others: readonly DeviceHistory[],
  evictedUpToMs: number,
): Supersession | undefined {
  const life = lastSignOfLife(history);
  const found = others
    .flatMap(({ events }) => events.filter((event) => isNewerConnect(event, life)))
    .map((event) => ({ atMs: orderedAtMs(event), receivedAtMs: event.receivedAtMs }));
  const { supersededBy: known } = history;
  const foldedUpToMs = others.map(({ base }) => (base ? orderedAtMs(base.upTo) : evictedUpToMs));
  if (known && known.atMs > life.atMs && known.atMs <= Math.max(evictedUpToMs, ...foldedUpToMs)) found.push(known);
  return found.sort((a, b) => a.atMs - b.atMs || a.receivedAtMs - b.receivedAtMs)[0];
}

/** With skewed clocks, a connect with a later time that was received first is not that of a newer device. */
function isNewerConnect(event: DeviceEvent, life: { atMs: number; receivedAtMs: number }): boolean {
  return event.kind === 'connected' && orderedAtMs(event) > life.atMs && event.receivedAtMs >= life.receivedAtMs;
}

/** A connection that had ended, or had ended by elapsed time, when the other device connected stays as it is. */
function superseded(current: Connection, by: Supersession, policy: PresencePolicy): Connection {
  switch (current.phase) {
    case 'open':
      return isOverAge(current, by.receivedAtMs, policy) ? expired(current, policy) : supersededAt(current, by);
    case 'lost':
      return by.receivedAtMs < graceEndMs(current, policy) ? ended(current, 'lost') : current;
    case 'ended':
      return current;
  }
}

function supersededAt({ connectedAtMs, interruptions }: Connection, by: Supersession): EndedConnection {
  const end = { endedAtMs: by.atMs, endedReceivedAtMs: by.receivedAtMs };
  return { phase: 'ended', cause: 'superseded', connectedAtMs, interruptions, ...end };
}
