// The history of one device: its newest events, so that a late event can still be inserted in order, and a base: a
// snapshot that all older events have been folded into. This bounds the size of a record, however often a device reconnects.
import { type Connection, type EndedConnection, step } from './connection.js';
import { type DeviceEvent, insertInOrder, isAfter, isSameEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

export const MAX_KEPT_EVENTS = 16;

export interface DeviceHistory {
  readonly base?: { readonly connection: Connection; readonly upTo: DeviceEvent };
  /** In order, all later than `base.upTo`. */
  readonly events: readonly DeviceEvent[];
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
export function insertEvent(history: DeviceHistory, event: DeviceEvent): Insertion {
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
  const events = insertInOrder(others, event);
  return { verdict: known ? 'duplicate' : 'applied', history: { ...history, events }, kept: event };
}

export interface Fold {
  readonly connection: Connection;
  /** Connections that ended before `connection` began, oldest first. Does not include those folded into the base. */
  readonly earlier: readonly EndedConnection[];
}

export function fold(history: DeviceHistory, policy: PresencePolicy): Fold {
  let connection = history.base?.connection;
  const earlier: EndedConnection[] = [];
  for (const event of history.events) {
    const next = step(connection, event, policy);
    connection = next.connection;
    if (next.previous) earlier.push(next.previous);
  }
  if (!connection) throw new Error('a device without events');
  return { connection, earlier };
}

/** Folds all but the newest MAX_KEPT_EVENTS into the base. `earlier`: ended connections that this drops. */
export function compact(
  history: DeviceHistory,
  policy: PresencePolicy,
): { history: DeviceHistory; earlier: readonly EndedConnection[] } {
  const upTo = history.events[history.events.length - MAX_KEPT_EVENTS - 1];
  if (!upTo) return { history, earlier: [] };
  const older = history.events.slice(0, -MAX_KEPT_EVENTS);
  const { connection, earlier } = fold({ ...history, events: older }, policy);
  return { history: { base: { connection, upTo }, events: history.events.slice(-MAX_KEPT_EVENTS) }, earlier };
}

export function lastEvent(history: DeviceHistory): DeviceEvent {
  const last = history.events.at(-1);
  if (!last) throw new Error('a device without events');
  return last;
}

export function lastEventAtMs(history: DeviceHistory): number {
  return orderedAtMs(lastEvent(history));
}
