// Encodes the fields of a record by position, with times relative to the last event of the record.

import type { Connection, GoneCause } from '../../domain/connection.js';
import type { DeviceEvent, EventKind } from '../../domain/lifecycle-event.js';
import { PRESENCE_STATES, type Presence } from '../../domain/presence-view.js';
import { isTimeMs } from '../../runtime/rfc3339.js';

/** Records store indexes into these lists and PRESENCE_STATES: append only. */
const STORED_KINDS: readonly EventKind[] = ['connected', 'disconnected', 'left', 'ended'];
export const STORED_CAUSES: readonly GoneCause[] = ['left', 'lost', 'expired', 'ended', 'superseded'];

/** state, since; until if reconnecting, cause if gone */
export type EncodedPresence = [number, number, number?];
/** phase, connectedAt, interruptions, occurredAt, receivedAt − occurredAt; sockets, cause or 0 by phase; 1 if final */
export type EncodedConnection = ['o' | 'l' | 'e', number | null, number, number, number, number, 1?];

export function encodePresence({ state, sinceMs, untilMs, cause }: Presence, baseMs: number): EncodedPresence {
  const text: EncodedPresence = [PRESENCE_STATES.indexOf(state), sinceMs - baseMs];
  if (untilMs !== undefined) text.push(untilMs - baseMs);
  if (cause !== undefined) text.push(STORED_CAUSES.indexOf(cause));
  return text;
}

export function decodePresence(text: EncodedPresence, baseMs: number): Presence {
  const state = elementAt(PRESENCE_STATES, text[0]);
  const extra = text[2] ?? 0;
  const untilMs = state === 'reconnecting' ? checkedInteger(baseMs + extra) : undefined;
  return {
    state,
    sinceMs: checkedInteger(baseMs + text[1]),
    untilMs,
    cause: state === 'gone' ? elementAt(STORED_CAUSES, extra) : undefined,
  };
}

/** Flags added to the index of the event kind. */
const KIND = 7;
const WHOLE_SECONDS = 8;
const WITH_ID = 16;
const WITH_SEQUENCE = 32;
const CAPPED = 64;

/** Appends the values of an event: kind and flags, occurredAt, receivedAt − occurredAt, then id, sequence and cappedAt if any. */
export function pushEvent(values: unknown[], event: DeviceEvent, baseMs: number): void {
  const { kind, occurredAtMs, receivedAtMs, precisionMs, eventId, sequence, cappedAtMs } = event;
  let code = STORED_KINDS.indexOf(kind);
  if (precisionMs !== 1) code += WHOLE_SECONDS;
  if (eventId !== undefined) code += WITH_ID;
  if (sequence !== undefined) code += WITH_SEQUENCE;
  if (cappedAtMs !== undefined) code += CAPPED;
  values.push(code, occurredAtMs - baseMs, receivedAtMs - occurredAtMs);
  if (eventId !== undefined) values.push(eventId);
  if (sequence !== undefined) values.push(sequence);
  if (cappedAtMs !== undefined) values.push(cappedAtMs - baseMs);
}

/** Decodes the events from index `first` on. */
export function decodeEvents(values: readonly unknown[], first: number, baseMs: number): DeviceEvent[] {
  const events: DeviceEvent[] = [];
  for (let next = first; next < values.length; ) {
    const code = checkedInteger(values[next] as number);
    const occurredAtMs = checkedInteger(baseMs + (values[next + 1] as number));
    const receivedAtMs = checkedInteger(occurredAtMs + (values[next + 2] as number));
    const precisionMs = code & WHOLE_SECONDS ? 1_000 : 1;
    const event: DeviceEvent = {
      kind: elementAt(STORED_KINDS, code & KIND),
      occurredAtMs,
      receivedAtMs,
      precisionMs,
    };
    next += 3;
    const eventId = code & WITH_ID ? { eventId: checkedString(values[next++]) } : undefined;
    const sequence = code & WITH_SEQUENCE ? { sequence: checkedInteger(values[next++] as number) } : undefined;
    const capped = code & CAPPED ? { cappedAtMs: checkedInteger(baseMs + (values[next++] as number)) } : undefined;
    events.push(eventId || sequence || capped ? { ...event, ...eventId, ...sequence, ...capped } : event);
  }
  return events;
}

export function encodeConnection(connection: Connection, baseMs: number): EncodedConnection {
  const { connectedAtMs, interruptions } = connection;
  const start = connectedAtMs === null ? null : connectedAtMs - baseMs;
  switch (connection.phase) {
    case 'open': {
      const { newestAtMs, newestReceivedAtMs, sockets } = connection;
      return ['o', start, interruptions, newestAtMs - baseMs, newestReceivedAtMs - newestAtMs, sockets];
    }
    case 'lost': {
      const { lostAtMs, lostReceivedAtMs } = connection;
      return ['l', start, interruptions, lostAtMs - baseMs, lostReceivedAtMs - lostAtMs, 0];
    }
    case 'ended': {
      const { endedAtMs, endedReceivedAtMs, cause, isFinal } = connection;
      const end = [endedAtMs - baseMs, endedReceivedAtMs - endedAtMs, STORED_CAUSES.indexOf(cause)] as const;
      return isFinal ? ['e', start, interruptions, ...end, 1] : ['e', start, interruptions, ...end];
    }
  }
}

export function decodeConnection(
  [phase, start, count, when, delay, extra, final]: EncodedConnection,
  baseMs: number,
): Connection {
  const connectedAtMs = start === null ? null : checkedInteger(baseMs + start);
  const interruptions = checkedInteger(count);
  const occurredAtMs = checkedInteger(baseMs + when);
  const receivedAtMs = checkedInteger(occurredAtMs + delay);
  switch (phase) {
    case 'o': {
      const newest = { newestAtMs: occurredAtMs, newestReceivedAtMs: receivedAtMs };
      return {
        phase: 'open',
        connectedAtMs: connectedAtMs ?? occurredAtMs,
        interruptions,
        sockets: checkedInteger(extra),
        ...newest,
      };
    }
    case 'l':
      return { phase: 'lost', connectedAtMs, interruptions, lostAtMs: occurredAtMs, lostReceivedAtMs: receivedAtMs };
    case 'e': {
      const end = { cause: elementAt(STORED_CAUSES, extra), endedAtMs: occurredAtMs, endedReceivedAtMs: receivedAtMs };
      return { phase: 'ended', connectedAtMs, interruptions, ...end, ...(final === 1 && { isFinal: true as const }) };
    }
    default:
      throw new Error('a record has a connection in an unknown phase');
  }
}

/** Anything else cannot be formatted as a time or stored in an index. */
export function checkedInteger(value: number): number {
  if (!isTimeMs(value)) throw new Error('a record has a value that is not a valid integer');
  return value;
}

export function checkedTag(value: string, occurredAtMs: number): { value: string; occurredAtMs: number } {
  return { value: checkedString(value), occurredAtMs: checkedInteger(occurredAtMs) };
}

function checkedString(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error('a record has a value that is not a string');
}

function elementAt<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`a record has a value that is not one of ${values.join('|')}`);
  return value;
}
