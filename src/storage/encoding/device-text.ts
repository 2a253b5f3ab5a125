// One device of a record as numbers by position. Most are connected, and nothing more was received of them: those are two values.
import type { DeviceHistory } from '../../domain/device-history.js';
import type { DeviceEvent, DeviceId } from '../../domain/lifecycle-event.js';
import type { DeviceView } from '../../domain/presence-view.js';
import {
  type ConnectionText,
  connectionText,
  type PresenceText,
  presenceText,
  pushEvent,
  readConnection,
  readEvents,
  readPresence,
  whole,
} from './record-text.js';

/** id, and receivedAt after at of its only event: the last one of the record, a connect, and nothing else is known */
export type NewDeviceText = [string, number];
/** connectedAt, interruptions, and its presence */
type ViewText = [number | null, number, PresenceText];
/** id; view, 0 for connected since the last event; base, 0 for none; the values of each event */
type KnownDeviceText = [string, ViewText | 0, [ConnectionText, ...unknown[]] | 0, ...unknown[]];
export type DeviceText = NewDeviceText | KnownDeviceText;

export function deviceText(view: DeviceView, history: DeviceHistory | undefined, zeroMs: number): DeviceText {
  if (!history) throw new Error('a device was announced that is not in the record');
  const { state, sinceMs, connectedAtMs, interruptions } = view;
  const id = shortId(view.deviceId);
  const isPlain = state === 'connected' && sinceMs === zeroMs && connectedAtMs === zeroMs && interruptions === 0;
  const [first, second] = history.events;
  if (isPlain && !history.base && first && !second && isPlainConnect(first, zeroMs)) {
    return [id, first.receivedAtMs - zeroMs];
  }
  const start = connectedAtMs === null ? null : connectedAtMs - zeroMs;
  const text: KnownDeviceText = [id, isPlain ? 0 : [start, interruptions, presenceText(view, zeroMs)], 0];
  if (history.base) {
    const base: [ConnectionText, ...unknown[]] = [connectionText(history.base.connection, zeroMs)];
    pushEvent(base, history.base.upTo, zeroMs);
    text[2] = base;
  }
  for (const event of history.events) pushEvent(text, event, zeroMs);
  return text;
}

function isPlainConnect(event: DeviceEvent, zeroMs: number): boolean {
  const { kind, occurredAtMs, precisionMs, eventId, sequence } = event;
  const isPlain = precisionMs === 1 && eventId === undefined && sequence === undefined;
  return kind === 'connected' && occurredAtMs === zeroMs && isPlain;
}

export function readView(device: DeviceText, zeroMs: number): DeviceView {
  const deviceId = longId(device[0]) as DeviceId;
  if (isNew(device) || device[1] === 0) {
    const since = { sinceMs: zeroMs, untilMs: undefined, cause: undefined, connectedAtMs: zeroMs };
    return { deviceId, state: 'connected', ...since, interruptions: 0 };
  }
  const [start, count, presence] = device[1];
  const { state, sinceMs, untilMs, cause } = readPresence(presence, zeroMs);
  const connectedAtMs = start === null ? null : whole(zeroMs + start);
  return { deviceId, state, sinceMs, untilMs, cause, connectedAtMs, interruptions: whole(count) };
}

export function readHistory(device: DeviceText, zeroMs: number): DeviceHistory {
  if (isNew(device)) return { events: readEvents([0, 0, device[1]], 0, zeroMs) };
  const base = device[2];
  const events = readEvents(device as readonly unknown[], 3, zeroMs);
  if (base === 0) return { events };
  const [upTo] = readEvents(base, 1, zeroMs);
  if (!upTo) throw new Error('a base without an event');
  return { base: { connection: readConnection(base[0], zeroMs), upTo }, events };
}

export function isNew(device: DeviceText): device is NewDeviceText {
  return device.length === 2;
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
/** What is written as a UUID would be, or as another id that would, with a mark before it. */
const AMBIGUOUS = /^(?:=|[\da-f]{32}$)/;

/** A UUID, as the provider's ids are, without its hyphens: with them a usual record would be a size larger in memory. */
function shortId(id: string): string {
  if (id.length === 36 && UUID.test(id)) return id.replaceAll('-', '');
  return AMBIGUOUS.test(id) ? `=${id}` : id;
}

function longId(text: string): string {
  if (text.startsWith('=')) return text.slice(1);
  if (text.length !== 32 || !AMBIGUOUS.test(text)) return text;
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
