// Encodes the connections of devices in a feed entry. They follow the rest, so that earlier versions can still read the entry, and
// most callbacks open the first connection of a device, which takes no space.
import type { Change } from '../../domain/change.js';
import type { GoneCause } from '../../domain/connection.js';
import type { Correction, DeviceConnection, PastConnection } from '../../domain/device-connections.js';
import type { ParticipantState } from '../../domain/presence-view.js';
import { isTimeMs } from '../../runtime/rfc3339.js';
import { STORED_CAUSES } from './field-codecs.js';

/**
 * Of each change, in their order; 0: not of a device, or as if it had just begun. connectedAt − since, null if there is none;
 * interruptions, number, start − since, number of the first connection of the correction, and its connections, if any
 */
export type EncodedDeviceConnection =
  | 0
  | [number | null, number?, number?, number?, number?, ...EncodedPastConnection[]];
/** end − since, connectedAt − end or null, start − end, cause, interruptions */
type EncodedPastConnection = [number, number | null, number, number, number];

/** undefined: none of them has to be encoded. */
export function encodeConnections(changes: readonly Change[]): EncodedDeviceConnection[] | undefined {
  const encoded = changes.map(encodeConnection);
  while (encoded.at(-1) === 0) encoded.pop();
  return encoded.length > 0 ? encoded : undefined;
}

function encodeConnection({ state, sinceMs, connection }: Change): EncodedDeviceConnection {
  if (!connection || isImplied(connection, state, sinceMs)) return 0;
  const { connectedAtMs, interruptions, number, startMs, correction } = connection;
  const text: EncodedDeviceConnection = [connectedAtMs === null ? null : connectedAtMs - sinceMs];
  const hasOtherStart = startMs !== (connectedAtMs ?? sinceMs);
  const isLong = hasOtherStart || correction !== undefined;
  if (interruptions > 0 || number > 0 || isLong) text.push(interruptions);
  if (number > 0 || isLong) text.push(number);
  if (isLong) text.push(startMs - sinceMs);
  if (correction) text.push(correction.from, ...correction.connections.map((one) => encodePast(one, sinceMs)));
  return text;
}

function isImplied(connection: DeviceConnection, state: ParticipantState, sinceMs: number): boolean {
  const { connectedAtMs, interruptions, number, startMs, correction } = connection;
  const isNew = connectedAtMs === sinceMs && startMs === sinceMs && interruptions === 0 && number === 0;
  return state === 'connected' && isNew && correction === undefined;
}

function encodePast(
  { connectedAtMs, startMs, endedAtMs, cause, interruptions }: PastConnection,
  sinceMs: number,
): EncodedPastConnection {
  const connect = connectedAtMs === null ? null : connectedAtMs - endedAtMs;
  return [endedAtMs - sinceMs, connect, startMs - endedAtMs, STORED_CAUSES.indexOf(cause), interruptions];
}

/** undefined: an earlier version encoded the entry. */
export function decodeDeviceConnection(
  text: EncodedDeviceConnection | undefined,
  state: ParticipantState,
  sinceMs: number,
): DeviceConnection | undefined {
  if (!text) {
    if (state !== 'connected') return undefined;
    return { number: 0, connectedAtMs: sinceMs, startMs: sinceMs, interruptions: 0 };
  }
  const [connect, interruptions = 0, number = 0, start = connect ?? 0, from, ...past] = text;
  const connectedAtMs = connect === null ? null : sinceMs + connect;
  const connection = { number, connectedAtMs, startMs: sinceMs + start, interruptions };
  if (from === undefined) return connection;
  const correction: Correction = { from, connections: past.map((one) => decodePast(one, sinceMs)) };
  return { ...connection, correction };
}

function decodePast(
  [end, connect, start, cause, interruptions]: EncodedPastConnection,
  sinceMs: number,
): PastConnection {
  const endedAtMs = sinceMs + end;
  const connectedAtMs = connect === null ? null : endedAtMs + connect;
  return {
    connectedAtMs,
    startMs: endedAtMs + start,
    endedAtMs,
    cause: STORED_CAUSES[cause] as GoneCause,
    interruptions,
  };
}

/** `sinceOf`: that of each change. */
export function areConnections(value: unknown, sinceOf: readonly number[]): boolean {
  return Array.isArray(value) && value.every((one, n) => one === 0 || isConnection(one, sinceOf[n] ?? Number.NaN));
}

function isConnection(value: unknown, sinceMs: number): boolean {
  if (!Array.isArray(value)) return false;
  const [connect, interruptions = 0, number = 0, start = connect ?? 0, from = 0, ...past] = value as unknown[];
  const isRelative = (ms: unknown) => Number.isSafeInteger(ms) && isTimeMs(sinceMs + (ms as number));
  const areCounts = [interruptions, number, from].every(isCount);
  const areTimes = (connect === null || isRelative(connect)) && isRelative(start);
  return areCounts && areTimes && past.every((one) => isPast(one, sinceMs));
}

function isPast(value: unknown, sinceMs: number): boolean {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [end, connect, start, cause, interruptions] = value as number[];
  const endedAtMs = sinceMs + Number(end);
  const areTimes = [0, connect ?? 0, start].every((ms) => Number.isSafeInteger(ms) && isTimeMs(endedAtMs + Number(ms)));
  return Number.isSafeInteger(end) && areTimes && isCount(interruptions) && STORED_CAUSES[Number(cause)] !== undefined;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
