// What is remembered of one device: its newest events as such, so that a late one can still take its place among
// them, and a base into which all older ones were folded. That keeps a record small however long a device flaps.
import { type Connection, type EndedConnection, step } from './connection.js';
import { type DeviceEvent, insertInOrder, isAfter, isSameEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

export const MAX_KEPT_EVENTS = 16;

export interface DeviceHistory {
  readonly base?: { readonly connection: Connection; readonly upTo: DeviceEvent };
  /** In order, all after `base.upTo`. */
  readonly events: readonly DeviceEvent[];
}

/** `duplicate`: received before. `stale`: so old that its place is already folded into the base. */
export type Verdict = 'applied' | 'duplicate' | 'stale';

export interface Insertion {
  readonly verdict: Verdict;
  readonly history: DeviceHistory;
  /** The event as it is kept, with the time at which it was first received; undefined when it is not kept. */
  readonly kept?: DeviceEvent;
}

/** Puts an event in its place. With one more than are kept, the oldest becomes part of the base (`compact`). */
export function insertEvent(history: DeviceHistory, event: DeviceEvent): Insertion {
  const known = history.events.find((other) => isSameEvent(other, event));
  // An event that is received twice, in whatever order, was received at the earlier of the two times.
  if (known && event.receivedAtMs >= known.receivedAtMs) return { verdict: 'duplicate', history, kept: known };
  const { base } = history;
  if (base && !isAfter(event, base.upTo)) {
    // One that was folded cannot be made to have been received earlier.
    const isDuplicate = known || (isSameEvent(event, base.upTo) && event.receivedAtMs >= base.upTo.receivedAtMs);
    return { verdict: isDuplicate ? 'duplicate' : 'stale', history };
  }
  const others = known ? history.events.filter((other) => other !== known) : history.events;
  const events = insertInOrder(others, event);
  return { verdict: known ? 'duplicate' : 'applied', history: { ...history, events }, kept: event };
}

export interface Fold {
  readonly connection: Connection;
  /** Connections that were over before `connection` began, oldest first; those of folded events are not among them. */
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

/** Folds all but the newest MAX_KEPT_EVENTS into the base. `earlier`: the connections that it forgets so. */
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
