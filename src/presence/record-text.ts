// The parts of a record as numbers by position, times relative to its last event: what its formats have in common.
import { isTimeMs } from '../platform/rfc3339.js';
import type { Connection, GoneCause } from './domain/connection.js';
import type { DeviceEvent, EventKind } from './domain/lifecycle-event.js';
import { PRESENCE_STATES, type Presence } from './domain/presence-view.js';

/** Their places are stored, as are those of the states. */
const KINDS: readonly EventKind[] = ['connected', 'disconnected', 'left', 'ended'];
export const CAUSES: readonly GoneCause[] = ['left', 'lost', 'expired', 'ended'];

/** kind, at, heardAt after at */
export type EventText = [number, number, number];
/** state, since; then `until` when reconnecting, the cause when gone */
export type PresenceText = [number, number, number?];
/** phase, connectedAt, interruptions, at, heardAt after at; sockets when open, the cause when ended, else 0; 1 if final */
export type ConnectionText = ['o' | 'l' | 'e', number | null, number, number, number, number, 1?];

export function presenceText({ state, sinceMs, untilMs, cause }: Presence, zeroMs: number): PresenceText {
  const text: PresenceText = [PRESENCE_STATES.indexOf(state), sinceMs - zeroMs];
  if (untilMs !== undefined) text.push(untilMs - zeroMs);
  if (cause !== undefined) text.push(CAUSES.indexOf(cause));
  return text;
}

export function readPresence(text: PresenceText, zeroMs: number): Presence {
  const state = at(PRESENCE_STATES, text[0]);
  const extra = text[2] ?? 0;
  const untilMs = state === 'reconnecting' ? whole(zeroMs + extra) : undefined;
  return { state, sinceMs: whole(zeroMs + text[1]), untilMs, cause: state === 'gone' ? at(CAUSES, extra) : undefined };
}

/** Events are the most of a record, and stand in it without brackets. */
export function pushEvent(numbers: unknown[], { kind, atMs, heardAtMs }: DeviceEvent, zeroMs: number): void {
  numbers.push(KINDS.indexOf(kind), atMs - zeroMs, heardAtMs - atMs);
}

export function readEvent(kind: number, atRelative: number, delay: number, zeroMs: number): DeviceEvent {
  const atMs = whole(zeroMs + atRelative);
  return { kind: at(KINDS, kind), atMs, heardAtMs: whole(atMs + delay) };
}

export function connectionText(connection: Connection, zeroMs: number): ConnectionText {
  const { connectedAtMs, interruptions } = connection;
  const start = connectedAtMs === null ? null : connectedAtMs - zeroMs;
  switch (connection.phase) {
    case 'open': {
      const { newestAtMs, newestHeardAtMs, sockets } = connection;
      return ['o', start, interruptions, newestAtMs - zeroMs, newestHeardAtMs - newestAtMs, sockets];
    }
    case 'lost': {
      const { lostAtMs, lostHeardAtMs } = connection;
      return ['l', start, interruptions, lostAtMs - zeroMs, lostHeardAtMs - lostAtMs, 0];
    }
    case 'ended': {
      const { endedAtMs, endedHeardAtMs, cause, isFinal } = connection;
      const end = [endedAtMs - zeroMs, endedHeardAtMs - endedAtMs, CAUSES.indexOf(cause)] as const;
      return isFinal ? ['e', start, interruptions, ...end, 1] : ['e', start, interruptions, ...end];
    }
  }
}

export function readConnection(
  [phase, start, count, when, delay, extra, final]: ConnectionText,
  zeroMs: number,
): Connection {
  const connectedAtMs = start === null ? null : whole(zeroMs + start);
  const interruptions = whole(count);
  const atMs = whole(zeroMs + when);
  const heardAtMs = whole(atMs + delay);
  switch (phase) {
    case 'o': {
      const newest = { newestAtMs: atMs, newestHeardAtMs: heardAtMs };
      return { phase: 'open', connectedAtMs: connectedAtMs ?? atMs, interruptions, sockets: whole(extra), ...newest };
    }
    case 'l':
      return { phase: 'lost', connectedAtMs, interruptions, lostAtMs: atMs, lostHeardAtMs: heardAtMs };
    case 'e': {
      const end = { cause: at(CAUSES, extra), endedAtMs: atMs, endedHeardAtMs: heardAtMs };
      return { phase: 'ended', connectedAtMs, interruptions, ...end, ...(final === 1 && { isFinal: true as const }) };
    }
    default:
      throw new Error('a record with a connection in no known phase');
  }
}

/** Every time and count of a record is a whole number. What is made of another is no time, and no store or client takes it. */
export function whole(value: number): number {
  if (!isTimeMs(value)) throw new Error('a record with a value that is no whole number');
  return value;
}

export function tagAt(value: string, atMs: number): { value: string; atMs: number } {
  if (typeof value !== 'string') throw new Error('a record with a tag that is no text');
  return { value, atMs: whole(atMs) };
}

export function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`a record with a value that is none of ${values.join('|')}`);
  return value;
}
