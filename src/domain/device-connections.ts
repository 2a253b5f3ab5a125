// The connections of one device in order, numbered from 0. Late events can change any of them that is not yet folded into the base:
// its start, its end, its cause, and how many there are. A change says which ones differ from what was announced before, so
// that whoever applies all changes has the connections that the core computes.
import { type Connection, type EndedConnection, type GoneCause, startMsOf } from './connection.js';
import { type DeviceHistory, fold } from './device-history.js';
import type { DeviceEvent } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import type { DeviceView } from './presence-view.js';
import { startOfStay } from './stay.js';

export interface PastConnection {
  /** null: no connect event was received. */
  readonly connectedAtMs: number | null;
  /** The earliest time at which it is known to have been open. */
  readonly startMs: number;
  readonly endedAtMs: number;
  readonly cause: GoneCause;
  readonly interruptions: number;
}

/** Earlier connections of the device that were added or differ from what was announced; `from` is the number of the first one. */
export interface Correction {
  readonly from: number;
  readonly connections: readonly PastConnection[];
}

/** The current connection of a device, and what changed about the earlier ones. There are none after `number`. */
export interface DeviceConnection {
  readonly number: number;
  readonly connectedAtMs: number | null;
  readonly startMs: number;
  readonly interruptions: number;
  readonly correction?: Correction;
}

interface Device {
  readonly history: DeviceHistory;
  readonly earlier: readonly EndedConnection[];
  readonly connection: Connection;
}

/** What was known and announced of a device. */
interface Known {
  readonly history: DeviceHistory;
  readonly ends: readonly DeviceEvent[];
  readonly view: DeviceView;
}

export interface Connections {
  readonly current: DeviceConnection;
  /** Whether something differs from what was announced that the view of the device does not show. */
  readonly isOther: boolean;
}

/** `ends`: those of the participant now. `before`: undefined if the device was not known. */
export function connectionsOf(
  device: Device,
  ends: readonly DeviceEvent[],
  before: Known | undefined,
  policy: PresencePolicy,
): Connections {
  const { connection, earlier, history } = device;
  const folded = history.pastConnections ?? 0;
  const { connectedAtMs, interruptions } = connection;
  const current = { number: folded + earlier.length, connectedAtMs, startMs: startOfStay(connection), interruptions };
  const announced = before && announcedOf(before, device, ends, policy);
  const past = earlier.map(pastConnectionOf);
  const from = past.findIndex((one, n) => !isSame(one, announced?.past[n]));
  const isOther = from !== -1 || announced?.count !== past.length || announced.startMs !== current.startMs;
  if (from === -1) return { current, isOther };
  return { current: { ...current, correction: { from: folded + from, connections: past.slice(from) } }, isOther };
}

interface Announced {
  /** Of the connections that were earlier ones, and last of the one that was current, if it had ended. */
  readonly past: readonly PastConnection[];
  /** How many were earlier ones. */
  readonly count: number;
  readonly startMs: number | undefined;
}

function announcedOf(
  { history, ends: endsBefore, view }: Known,
  after: Device,
  ends: readonly DeviceEvent[],
  policy: PresencePolicy,
): Announced {
  const isUnchanged = history.events === after.history.events && endsBefore === ends;
  if (isUnchanged) {
    const past = after.earlier.map(pastConnectionOf);
    return { past, count: past.length, startMs: startOfStay(after.connection) };
  }
  const { earlier, connection } = fold(history, endsBefore, policy);
  const past = earlier.map(pastConnectionOf);
  const { state, cause, sinceMs: endedAtMs, connectedAtMs, interruptions } = view;
  const startMs = startMsOf(connection) ?? (state === 'connected' ? undefined : endedAtMs);
  if (state !== 'gone' || cause === undefined) return { past, count: past.length, startMs };
  const last = { connectedAtMs, startMs: startMs ?? endedAtMs, endedAtMs, cause, interruptions };
  return { past: [...past, last], count: past.length, startMs };
}

function pastConnectionOf(connection: EndedConnection): PastConnection {
  const { connectedAtMs, endedAtMs, cause, interruptions } = connection;
  return { connectedAtMs, startMs: startOfStay(connection), endedAtMs, cause, interruptions };
}

function isSame(a: PastConnection, b: PastConnection | undefined): boolean {
  return (
    a.startMs === b?.startMs &&
    a.endedAtMs === b.endedAtMs &&
    a.cause === b.cause &&
    a.connectedAtMs === b.connectedAtMs &&
    a.interruptions === b.interruptions
  );
}
