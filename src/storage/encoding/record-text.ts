// The parts of a record as numbers by position, times relative to its last event: what its formats have in common.

import type { Connection, GoneCause } from '../../domain/connection.js';
import type { DeviceEvent, EventKind } from '../../domain/lifecycle-event.js';
import { PRESENCE_STATES, type Presence } from '../../domain/presence-view.js';
import { isTimeMs } from '../../runtime/rfc3339.js';

/** Their places are stored, as are those of the states. */
const KINDS: readonly EventKind[] = ['connected', 'disconnected', 'left', 'ended'];
export const CAUSES: readonly GoneCause[] = ['left', 'lost', 'expired', 'ended'];

/** state, since; then `until` when reconnecting, the cause when gone */
export type PresenceText = [number, number, number?];
/** phase, connectedAt, interruptions, at, receivedAt after at; sockets when open, the cause when ended, else 0; 1 if final */
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

/** What an event has beside its kind and its times is added to the number of its kind. */
const WHOLE_SECONDS = 4;
const WITH_ID = 8;
const WITH_SEQUENCE = 16;

/** Events are the most of a record, and stand in it without brackets: kind, at, receivedAt after at, then id and sequence if it has them. */
export function pushEvent(values: unknown[], event: DeviceEvent, zeroMs: number): void {
  const { kind, occurredAtMs, receivedAtMs, precisionMs, eventId, sequence } = event;
  let code = KINDS.indexOf(kind);
  if (precisionMs !== 1) code += WHOLE_SECONDS;
  if (eventId !== undefined) code += WITH_ID;
  if (sequence !== undefined) code += WITH_SEQUENCE;
  values.push(code, occurredAtMs - zeroMs, receivedAtMs - occurredAtMs);
  if (eventId !== undefined) values.push(eventId);
  if (sequence !== undefined) values.push(sequence);
}

/** The events that the values from `first` on stand for. */
export function readEvents(values: readonly unknown[], first: number, zeroMs: number): DeviceEvent[] {
  const events: DeviceEvent[] = [];
  for (let next = first; next < values.length; ) {
    const code = whole(values[next] as number);
    const occurredAtMs = whole(zeroMs + (values[next + 1] as number));
    const receivedAtMs = whole(occurredAtMs + (values[next + 2] as number));
    const precisionMs = code & WHOLE_SECONDS ? 1_000 : 1;
    const event: DeviceEvent = { kind: at(KINDS, code % KINDS.length), occurredAtMs, receivedAtMs, precisionMs };
    next += 3;
    const eventId = code & WITH_ID ? { eventId: text(values[next++]) } : undefined;
    const sequence = code & WITH_SEQUENCE ? { sequence: whole(values[next++] as number) } : undefined;
    events.push(eventId || sequence ? { ...event, ...eventId, ...sequence } : event);
  }
  return events;
}

export function connectionText(connection: Connection, zeroMs: number): ConnectionText {
  const { connectedAtMs, interruptions } = connection;
  const start = connectedAtMs === null ? null : connectedAtMs - zeroMs;
  switch (connection.phase) {
    case 'open': {
      const { newestAtMs, newestReceivedAtMs, sockets } = connection;
      return ['o', start, interruptions, newestAtMs - zeroMs, newestReceivedAtMs - newestAtMs, sockets];
    }
    case 'lost': {
      const { lostAtMs, lostReceivedAtMs } = connection;
      return ['l', start, interruptions, lostAtMs - zeroMs, lostReceivedAtMs - lostAtMs, 0];
    }
    case 'ended': {
      const { endedAtMs, endedReceivedAtMs, cause, isFinal } = connection;
      const end = [endedAtMs - zeroMs, endedReceivedAtMs - endedAtMs, CAUSES.indexOf(cause)] as const;
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
  const occurredAtMs = whole(zeroMs + when);
  const receivedAtMs = whole(occurredAtMs + delay);
  switch (phase) {
    case 'o': {
      const newest = { newestAtMs: occurredAtMs, newestReceivedAtMs: receivedAtMs };
      return {
        phase: 'open',
        connectedAtMs: connectedAtMs ?? occurredAtMs,
        interruptions,
        sockets: whole(extra),
        ...newest,
      };
    }
    case 'l':
      return { phase: 'lost', connectedAtMs, interruptions, lostAtMs: occurredAtMs, lostReceivedAtMs: receivedAtMs };
    case 'e': {
      const end = { cause: at(CAUSES, extra), endedAtMs: occurredAtMs, endedReceivedAtMs: receivedAtMs };
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

export function tagAt(value: string, occurredAtMs: number): { value: string; occurredAtMs: number } {
  return { value: text(value), occurredAtMs: whole(occurredAtMs) };
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error('a record with a value that is no text');
}

function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`a record with a value that is none of ${values.join('|')}`);
  return value;
}
