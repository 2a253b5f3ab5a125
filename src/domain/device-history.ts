// The history of one device: its newest events, so that a late event can still be inserted in order, and a base: a
// snapshot that all older events have been folded into. This bounds the size of a record, however often a device reconnects.

import { withConnectFirst } from './clock-skew.js';
import { type Connection, type EndedConnection, type Step, step } from './connection.js';
import {
  type DeviceEvent,
  inOrder,
  insertInOrder,
  isAfter,
  isObservation,
  isParticipantEnd,
  isSameEvent,
  orderedAtMs,
} from './lifecycle-event.js';
import type { Supersession } from './one-device.js';
import type { ParticipantEnds } from './participant-ends.js';
import type { PresencePolicy } from './policy.js';

export const MAX_KEPT_EVENTS = 16;

export interface DeviceHistory {
  readonly base?: { readonly connection: Connection; readonly upTo: DeviceEvent };
  /** In order, all later than `base.upTo`. */
  readonly events: readonly DeviceEvent[];
  /** How many connections ended before that of the base began; absent if none did. */
  readonly pastConnections?: number;
  /** Only where a participant has one device at a time. */
  readonly supersededBy?: Supersession;
}

/** `duplicate`: already received. `stale`: older than the base. */
export type Verdict = 'applied' | 'duplicate' | 'stale';

export interface Insertion {
  readonly verdict: Verdict;
  readonly history: DeviceHistory;
  /** The event as stored, with the time at which it was first received; undefined if it is not stored. */
  readonly kept?: DeviceEvent;
}

/** Inserts an event in order. May exceed MAX_KEPT_EVENTS until `compact` is called. */
export function insertEvent(history: DeviceHistory, event: DeviceEvent, policy: PresencePolicy): Insertion {
  const known = history.events.find((other) => isSameEvent(other, event));
  // Keep the earlier receipt time, so that the order in which duplicates are processed does not matter.
  if (known && event.receivedAtMs >= known.receivedAtMs) return { verdict: 'duplicate', history, kept: known };
  const { base } = history;
  if (base && !isAfter(event, base.upTo)) {
    // The receipt time of an event that is already folded can no longer be changed.
    const isDuplicate = known || (isSameEvent(event, base.upTo) && event.receivedAtMs >= base.upTo.receivedAtMs);
    return { verdict: isDuplicate ? 'duplicate' : 'stale', history };
  }
  const others = known ? history.events.filter((other) => other !== known) : history.events;
  const events = withoutRepeatedObservation(insertInOrder(others, event), event, policy);
  return { verdict: known ? 'duplicate' : 'applied', history: { ...history, events }, kept: event };
}

/**
 * Of a run of equal observations, the first and the last are kept: the first has the time of the loss, the last that of the
 * newest sign of life. Otherwise polling would soon displace all other events. Of a run that lasts longer than the longest
 * connection, some in between are kept as well, so that no gap seems longer than that.
 */
function withoutRepeatedObservation(
  events: readonly DeviceEvent[],
  inserted: DeviceEvent,
  { maxConnectionMs }: PresencePolicy,
): readonly DeviceEvent[] {
  if (!isObservation(inserted)) return events;
  const at = events.indexOf(inserted);
  const isNeedless = (index: number) => {
    const [before, middle, after] = [events[index - 1], events[index], events[index + 1]];
    if (!before || !after || [before, middle, after].some((event) => event?.kind !== inserted.kind)) return false;
    return inserted.kind === 'unseen' || after.receivedAtMs - before.receivedAtMs <= maxConnectionMs;
  };
  const middle = [at - 1, at, at + 1].find(isNeedless);
  return middle === undefined ? events : events.toSpliced(middle, 1);
}

export interface Fold {
  readonly connection: Connection;
  /** Connections that ended before `connection` began, oldest first. Does not include those folded into the base. */
  readonly earlier: readonly EndedConnection[];
  /** In the order in which they were folded; the array of the history if that is its order. */
  readonly events: readonly DeviceEvent[];
}

/** One event of a fold. `isMoved`: see clock-skew.ts. */
export interface FoldedEvent extends Step {
  readonly event: DeviceEvent;
  readonly isMoved: boolean;
}

/** `ends`: those of the participant, in order. `observe`: called for each event in the order in which they are folded. */
export function fold(
  history: DeviceHistory,
  ends: readonly DeviceEvent[],
  policy: PresencePolicy,
  observe?: (folded: FoldedEvent) => void,
): Fold {
  const { connection, earlier, events } = foldEvents(
    ends.length === 0 ? history : { ...history, events: timelineOf(history, ends) },
    policy,
    observe,
  );
  if (!connection) throw new Error('a device without events');
  return { connection, earlier, events };
}

/** The events of the device and the ends of its participant that are not folded into the base, in order. */
function timelineOf({ base, events }: DeviceHistory, ends: readonly DeviceEvent[]): readonly DeviceEvent[] {
  if (ends.length === 0) return events;
  return inOrder([...events, ...ends.filter((end) => !base || isAfter(end, base.upTo))]);
}

/** The connection is undefined if the device was only looked for, and never found. */
function foldEvents(
  history: DeviceHistory,
  policy: PresencePolicy,
  observe?: (folded: FoldedEvent) => void,
): Omit<Fold, 'connection'> & { readonly connection: Connection | undefined } {
  let connection = history.base?.connection;
  let { events } = history;
  const earlier: EndedConnection[] = [];
  for (let n = 0; n < events.length; n += 1) {
    const ordered = withConnectFirst(events, n, connection, policy);
    const event = ordered[n] as DeviceEvent;
    const next = step(connection, event, policy);
    observe?.({ ...next, event, isMoved: ordered !== events });
    events = ordered;
    connection = next.connection;
    if (next.previous) earlier.push(next.previous);
  }
  return { connection, earlier, events };
}

/**
 * Folds all but the newest MAX_KEPT_EVENTS into the base, and all up to the last of the ends that the participant drops. `folded`:
 * the events in the order in which `fold` took them. `earlier`: ended connections that this drops.
 */
export function compact(
  history: DeviceHistory,
  folded: readonly DeviceEvent[],
  { ends, dropped }: ParticipantEnds,
  policy: PresencePolicy,
): { history: DeviceHistory; earlier: readonly EndedConnection[] } {
  const { events } = history;
  if (events.length <= MAX_KEPT_EVENTS && dropped.length === 0) return { history, earlier: [] };
  const timeline = timelineOf(history, [...dropped, ...ends]);
  const lastExcess = events[events.length - MAX_KEPT_EVENTS - 1];
  const lastFolded = [lastExcess, dropped.at(-1)].map((event) => (event ? timeline.indexOf(event) : -1));
  const count = wholePrefix(timeline, folded, Math.max(...lastFolded) + 1);
  if (count === 0) return { history, earlier: [] };
  const { connection, earlier } = foldEvents({ ...history, events: timeline.slice(0, count) }, policy);
  const base = connection && { connection, upTo: timeline[count - 1] as DeviceEvent };
  const kept = timeline.slice(count).filter((event) => !isParticipantEnd(event));
  const pastConnections = (history.pastConnections ?? 0) + earlier.length;
  const past = pastConnections === 0 ? undefined : { pastConnections };
  return { history: { ...history, ...(base && { base }), ...past, events: kept }, earlier };
}

/** At least `count`: folding must not separate a connect from the end that `fold` takes after it. */
function wholePrefix(events: readonly DeviceEvent[], folded: readonly DeviceEvent[], count: number): number {
  if (folded === events) return count;
  const others = new Set(folded.slice(0, count));
  return events.slice(0, count).every((event) => others.has(event)) ? count : wholePrefix(events, folded, count + 1);
}

export function lastEvent(history: DeviceHistory): DeviceEvent {
  const last = history.events.at(-1) ?? history.base?.upTo;
  if (!last) throw new Error('a device without events');
  return last;
}

export function lastEventAtMs(history: DeviceHistory): number {
  return orderedAtMs(lastEvent(history));
}

/** The newest connect or observation. If none is known, the newest event: the device was still connected shortly before it. */
export function lastSignOfLife(history: DeviceHistory): { readonly atMs: number; readonly receivedAtMs: number } {
  const event = history.events.findLast(({ kind }) => kind === 'connected' || kind === 'seen');
  const connection = history.base?.connection;
  if (!event && connection?.phase === 'open') {
    return { atMs: connection.newestAtMs, receivedAtMs: connection.newestReceivedAtMs };
  }
  const { receivedAtMs } = event ?? lastEvent(history);
  if (!event && connection?.connectedAtMs != null) return { atMs: connection.connectedAtMs, receivedAtMs };
  return { atMs: orderedAtMs(event ?? lastEvent(history)), receivedAtMs };
}
