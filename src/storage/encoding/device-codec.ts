// Encodes one device of a record by position. Most devices are connected and have one event: those take just two values.
import type { DeviceHistory } from '../../domain/device-history.js';
import type { DeviceEvent, DeviceId } from '../../domain/lifecycle-event.js';
import type { Supersession } from '../../domain/one-device.js';
import type { DeviceView } from '../../domain/presence-view.js';
import {
  checkedInteger,
  decodeConnection,
  decodeEvents,
  decodePresence,
  type EncodedConnection,
  type EncodedPresence,
  encodeConnection,
  encodePresence,
  pushEvent,
} from './field-codecs.js';

/** id, receivedAt − occurredAt of its only event: a connect, which is also the last event of the record */
export type EncodedNewDevice = [string, number];
/** connectedAt, interruptions, presence */
type EncodedView = [number | null, number, EncodedPresence];
/**
 * id; view, 0 if connected since the last event of the record; base, 0 for none; PAST_CONNECTIONS and their number, if there are
 * any; SUPERSEDED and its times, if it was; the values of each event
 */
type EncodedKnownDevice = [string, EncodedView | 0, [EncodedConnection, ...unknown[]] | 0, ...unknown[]];
/** Instead of the code of an event; see field-codecs.ts. */
const SUPERSEDED = -1;
const PAST_CONNECTIONS = -2;

export type EncodedDevice = EncodedNewDevice | EncodedKnownDevice;

export function encodeDevice(view: DeviceView, history: DeviceHistory | undefined, baseMs: number): EncodedDevice {
  if (!history) throw new Error('an announced device is missing from the record');
  const { state, sinceMs, isDoubtful, connectedAtMs, interruptions } = view;
  const id = encodeId(view.deviceId);
  const isNewConnection = sinceMs === baseMs && connectedAtMs === baseMs && interruptions === 0;
  const isMinimal = state === 'connected' && isNewConnection && !isDoubtful;
  const [first, second] = history.events;
  if (isMinimal && !history.base && !history.supersededBy && first && !second && isMinimalConnect(first, baseMs)) {
    return [id, first.receivedAtMs - baseMs];
  }
  const start = connectedAtMs === null ? null : connectedAtMs - baseMs;
  const text: EncodedKnownDevice = [id, isMinimal ? 0 : [start, interruptions, encodePresence(view, baseMs)], 0];
  if (history.base) {
    const base: [EncodedConnection, ...unknown[]] = [encodeConnection(history.base.connection, baseMs)];
    pushEvent(base, history.base.upTo, baseMs);
    text[2] = base;
  }
  const { supersededBy: by, pastConnections } = history;
  if (pastConnections !== undefined) text.push(PAST_CONNECTIONS, pastConnections);
  if (by) text.push(SUPERSEDED, by.atMs - baseMs, by.receivedAtMs - by.atMs);
  for (const event of history.events) pushEvent(text, event, baseMs);
  return text;
}

function isMinimalConnect(event: DeviceEvent, baseMs: number): boolean {
  const { kind, occurredAtMs, precisionMs, eventId, sequence } = event;
  const isMinimal = precisionMs === 1 && eventId === undefined && sequence === undefined;
  return kind === 'connected' && occurredAtMs === baseMs && isMinimal;
}

export function decodeView(device: EncodedDevice, baseMs: number): DeviceView {
  const deviceId = decodeId(device[0]) as DeviceId;
  if (isNew(device) || device[1] === 0) {
    const since = { sinceMs: baseMs, untilMs: undefined, cause: undefined, isDoubtful: false, connectedAtMs: baseMs };
    return { deviceId, state: 'connected', ...since, interruptions: 0 };
  }
  const [start, count, presence] = device[1];
  const { state, sinceMs, untilMs, cause, isDoubtful } = decodePresence(presence, baseMs);
  if (state === 'expected') throw new Error('a record has a device in a state that only a participant can have');
  const connectedAtMs = start === null ? null : checkedInteger(baseMs + start);
  const interruptions = checkedInteger(count);
  return { deviceId, state, sinceMs, untilMs, cause, isDoubtful, connectedAtMs, interruptions };
}

export function decodeHistory(device: EncodedDevice, baseMs: number): DeviceHistory {
  if (isNew(device)) return { events: decodeEvents([0, 0, device[1]], 0, baseMs) };
  const base = device[2];
  const values = device as readonly unknown[];
  let next = 3;
  const past = values[next] === PAST_CONNECTIONS ? { pastConnections: checkedInteger(values[next + 1] as number) } : {};
  if (past.pastConnections !== undefined) next += 2;
  const by = values[next] === SUPERSEDED ? { supersededBy: decodeSupersession(values, next, baseMs) } : undefined;
  if (by) next += 3;
  const events = decodeEvents(values, next, baseMs);
  if (base === 0) return { ...past, ...by, events };
  const [upTo] = decodeEvents(base, 1, baseMs);
  if (!upTo) throw new Error('a record has a base without an event');
  return { ...past, ...by, base: { connection: decodeConnection(base[0], baseMs), upTo }, events };
}

function decodeSupersession(values: readonly unknown[], index: number, baseMs: number): Supersession {
  const atMs = checkedInteger(baseMs + (values[index + 1] as number));
  return { atMs, receivedAtMs: checkedInteger(atMs + (values[index + 2] as number)) };
}

export function isNew(device: EncodedDevice): device is EncodedNewDevice {
  return device.length === 2;
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
/** Ids that look like an encoded UUID, or like another escaped id, are escaped with a leading `=`. */
const AMBIGUOUS = /^(?:=|[\da-f]{32}$)/;

/** Bandwidth's ids are UUIDs. Without hyphens, a typical record fits into a smaller allocation class of Redis. */
function encodeId(id: string): string {
  if (id.length === 36 && UUID.test(id)) return id.replaceAll('-', '');
  return AMBIGUOUS.test(id) ? `=${id}` : id;
}

function decodeId(text: string): string {
  if (text.startsWith('=')) return text.slice(1);
  if (text.length !== 32 || !AMBIGUOUS.test(text)) return text;
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
