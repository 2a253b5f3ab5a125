// Encodes the fields of a record by position, with times relative to the last event of the record.

import type { AvailabilityFact } from '../../domain/availability.js';
import type { Connection, GoneCause } from '../../domain/connection.js';
import { type DeviceEvent, isAvailability, type KeptEvent } from '../../domain/lifecycle-event.js';
import { PARTICIPANT_STATES, type Presence } from '../../domain/presence-view.js';
import { isTimeMs } from '../../runtime/rfc3339.js';

/** Records store indexes into these lists and PARTICIPANT_STATES: append only. */
const STORED_KINDS: readonly KeptEvent['kind'][] = [
  'connected',
  'disconnected',
  'left',
  'ended',
  'seen',
  'unseen',
  'participant-disconnected',
  'participant-left',
  'available',
  'busy',
  'set-available',
  'set-busy',
  'set-unknown',
];
export const STORED_CAUSES: readonly GoneCause[] = ['left', 'lost', 'expired', 'ended', 'superseded', 'reconciled'];

/** state, since; until if reconnecting, cause if gone, 1 if connected and doubtful */
export type EncodedPresence = [number, number, number?];
/** phase, connectedAt, interruptions, time, receivedAt − time; sockets, cause or 0 by phase; flags and their times, if any */
export type EncodedConnection = ['o' | 'l' | 'e', number | null, number, number, number, number, ...number[]];

const PHASES = { open: 'o', lost: 'l', ended: 'e' } as const;

export function encodePresence(
  { state, sinceMs, untilMs, cause, isDoubtful }: Presence,
  baseMs: number,
): EncodedPresence {
  const text: EncodedPresence = [PARTICIPANT_STATES.indexOf(state), sinceMs - baseMs];
  if (untilMs !== undefined) text.push(untilMs - baseMs);
  if (cause !== undefined) text.push(STORED_CAUSES.indexOf(cause));
  if (isDoubtful) text.push(1);
  return text;
}

export function decodePresence(text: EncodedPresence, baseMs: number): Presence {
  const state = elementAt(PARTICIPANT_STATES, text[0]);
  const extra = text[2] ?? 0;
  const untilMs = state === 'reconnecting' ? checkedInteger(baseMs + extra) : undefined;
  return {
    state,
    sinceMs: checkedInteger(baseMs + text[1]),
    untilMs,
    cause: state === 'gone' ? elementAt(STORED_CAUSES, extra) : undefined,
    isDoubtful: state === 'connected' && extra === 1,
  };
}

/** Flags added to the index of the event kind, less 8 with MORE_KINDS. */
const KIND = 7;
const WHOLE_SECONDS = 8;
const WITH_ID = 16;
const WITH_SEQUENCE = 32;
const CAPPED = 64;
const ASKED = 128;
const MORE_KINDS = 256;
const UNTIL = 512;
const FROM = 1_024;

type StoredEvent = KeptEvent & Pick<AvailabilityFact, 'untilMs' | 'fromMs'>;

/**
 * Appends the values of an event: kind and flags, occurredAt, receivedAt − occurredAt, then id, sequence, cappedAt, askedAt, until
 * and from if any.
 */
export function pushEvent(values: unknown[], event: StoredEvent, baseMs: number): void {
  const { kind, occurredAtMs, receivedAtMs, precisionMs, eventId, sequence, cappedAtMs, askedAtMs } = event;
  const { untilMs, fromMs } = event;
  const index = STORED_KINDS.indexOf(kind);
  let code = index > KIND ? index - KIND - 1 + MORE_KINDS : index;
  if (precisionMs !== 1) code += WHOLE_SECONDS;
  if (eventId !== undefined) code += WITH_ID;
  if (sequence !== undefined) code += WITH_SEQUENCE;
  if (cappedAtMs !== undefined) code += CAPPED;
  if (askedAtMs !== undefined) code += ASKED;
  if (untilMs !== undefined) code += UNTIL;
  if (fromMs !== undefined) code += FROM;
  values.push(code, occurredAtMs - baseMs, receivedAtMs - occurredAtMs);
  if (eventId !== undefined) values.push(eventId);
  if (sequence !== undefined) values.push(sequence);
  if (cappedAtMs !== undefined) values.push(cappedAtMs - baseMs);
  if (askedAtMs !== undefined) values.push(askedAtMs - baseMs);
  if (untilMs !== undefined) values.push(untilMs - baseMs);
  if (fromMs !== undefined) values.push(fromMs - baseMs);
}

/** Decodes the events from index `first` on. */
export function decodeEvents(values: readonly unknown[], first: number, baseMs: number): DeviceEvent[] {
  const events = decodeKept(values, first, baseMs);
  if (events.some(isAvailability)) throw new Error('a record has an event in the wrong place');
  return events as DeviceEvent[];
}

/** Decodes the facts of availability from index `first` on. */
export function decodeFacts(values: readonly unknown[], first: number, baseMs: number): AvailabilityFact[] {
  const events = decodeKept(values, first, baseMs);
  if (!events.every(isAvailability)) throw new Error('a record has an event in the wrong place');
  return events as AvailabilityFact[];
}

function decodeKept(values: readonly unknown[], first: number, baseMs: number): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (let next = first; next < values.length; ) {
    const code = checkedInteger(values[next] as number);
    const occurredAtMs = checkedInteger(baseMs + (values[next + 1] as number));
    const receivedAtMs = checkedInteger(occurredAtMs + (values[next + 2] as number));
    const precisionMs = code & WHOLE_SECONDS ? 1_000 : 1;
    const event: KeptEvent = {
      kind: elementAt(STORED_KINDS, (code & KIND) + (code & MORE_KINDS ? KIND + 1 : 0)),
      occurredAtMs,
      receivedAtMs,
      precisionMs,
    };
    next += 3;
    const eventId = code & WITH_ID ? { eventId: checkedString(values[next++]) } : undefined;
    const sequence = code & WITH_SEQUENCE ? { sequence: checkedInteger(values[next++] as number) } : undefined;
    const capped = code & CAPPED ? { cappedAtMs: checkedInteger(baseMs + (values[next++] as number)) } : undefined;
    const asked = code & ASKED ? { askedAtMs: checkedInteger(baseMs + (values[next++] as number)) } : undefined;
    const until = code & UNTIL ? { untilMs: checkedInteger(baseMs + (values[next++] as number)) } : undefined;
    const from = code & FROM ? { fromMs: checkedInteger(baseMs + (values[next++] as number)) } : undefined;
    events.push(
      code >= WITH_ID ? { ...event, ...eventId, ...sequence, ...capped, ...asked, ...until, ...from } : event,
    );
  }
  return events;
}

/** Flags of a connection, and the order of the values that follow them. */
const FINAL = 1;
const UNSEEN = 2;
const SIGHTED = 4;
const SEEN = 8;
const DOUBTFUL = 16;

export function encodeConnection(connection: Connection, baseMs: number): EncodedConnection {
  const { phase, connectedAtMs, interruptions, sightedAtMs } = connection;
  const start = connectedAtMs === null ? null : connectedAtMs - baseMs;
  const [atMs, receivedAtMs, extra] = timesOf(connection);
  const flags: [number, ...number[]] = [0];
  const flag = (bit: number, ...times: number[]) => {
    flags[0] += bit;
    flags.push(...times.map((ms) => ms - baseMs));
  };
  if (phase === 'ended' && connection.isFinal) flag(FINAL);
  if (phase === 'lost' && connection.isUnseen) flag(UNSEEN);
  if (sightedAtMs !== undefined) flag(SIGHTED, sightedAtMs);
  if (phase === 'open' && connection.seenAtMs !== undefined) flag(SEEN, connection.seenAtMs);
  if (phase === 'open' && connection.doubt) flag(DOUBTFUL, connection.doubt.sinceMs, connection.doubt.askAtMs);
  const text = [PHASES[phase], start, interruptions, atMs - baseMs, receivedAtMs - atMs, extra] as const;
  return flags[0] === 0 ? [...text] : [...text, ...flags];
}

function timesOf(connection: Connection): [atMs: number, receivedAtMs: number, extra: number] {
  switch (connection.phase) {
    case 'open':
      return [connection.newestAtMs, connection.newestReceivedAtMs, connection.sockets];
    case 'lost':
      return [connection.lostAtMs, connection.lostReceivedAtMs, 0];
    case 'ended':
      return [connection.endedAtMs, connection.endedReceivedAtMs, STORED_CAUSES.indexOf(connection.cause)];
  }
}

export function decodeConnection(text: EncodedConnection, baseMs: number): Connection {
  const [phase, start, count, when, delay, extra, flags = 0] = text;
  let index = 7;
  const next = () => checkedInteger(baseMs + ((text[index++] as number | undefined) ?? Number.NaN));
  const connectedAtMs = start === null ? null : checkedInteger(baseMs + start);
  const interruptions = checkedInteger(count);
  const common =
    flags & SIGHTED ? { connectedAtMs, interruptions, sightedAtMs: next() } : { connectedAtMs, interruptions };
  const atMs = checkedInteger(baseMs + when);
  const receivedAtMs = checkedInteger(atMs + delay);
  switch (phase) {
    case 'o': {
      const open = { ...common, sockets: checkedInteger(extra), newestAtMs: atMs, newestReceivedAtMs: receivedAtMs };
      const seen = flags & SEEN ? { seenAtMs: next() } : undefined;
      const doubt = flags & DOUBTFUL ? { doubt: { sinceMs: next(), askAtMs: next() } } : undefined;
      return { phase: 'open', ...open, ...seen, ...doubt };
    }
    case 'l': {
      const isUnseen = flags & UNSEEN ? { isUnseen: true as const } : undefined;
      return { phase: 'lost', ...common, lostAtMs: atMs, lostReceivedAtMs: receivedAtMs, ...isUnseen };
    }
    case 'e': {
      const end = { cause: elementAt(STORED_CAUSES, extra), endedAtMs: atMs, endedReceivedAtMs: receivedAtMs };
      return { phase: 'ended', ...common, ...end, ...(flags & FINAL ? { isFinal: true as const } : undefined) };
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

export function checkedText(value: string, occurredAtMs: number): { value: string; occurredAtMs: number } {
  return { value: checkedString(value), occurredAtMs: checkedInteger(occurredAtMs) };
}

function checkedString(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error('a record has a value that is not a string');
}

export function elementAt<T>(values: readonly T[], index: number): T {
  // The text may have a string here, and every array has members such as `length`.
  const value = values[checkedInteger(index)];
  if (value === undefined) throw new Error(`a record has a value that is not one of ${values.join('|')}`);
  return value;
}
