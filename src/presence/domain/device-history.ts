// What is remembered of one device: its newest events as such, so that a late one can still take its place among
// them, and a base into which all older ones were folded. That keeps a record small however long a device flaps.
import { type Connection, type EndedConnection, step } from './connection.js';
import { compareEvents, type DeviceEvent, isSameEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

export const MAX_KEPT_EVENTS = 16;

export interface DeviceHistory {
  readonly base?: { readonly connection: Connection; readonly upTo: DeviceEvent };
  /** In the order of `compareEvents`, all after `base.upTo`. */
  readonly events: readonly DeviceEvent[];
}

/** `duplicate`: heard before. `stale`: so old that its place is already folded into the base. */
export type Verdict = 'applied' | 'duplicate' | 'stale';

export interface Filing {
  readonly verdict: Verdict;
  readonly history: DeviceHistory;
  /** The event as it is filed, heard when it was first heard; undefined when it is in no place of its own. */
  readonly filed?: DeviceEvent;
}

/** Files an event in its place. One event more than is kept makes the oldest part of the base (`compact`). */
export function fileEvent(history: DeviceHistory, event: DeviceEvent): Filing {
  const known = history.events.find((other) => isSameEvent(other, event));
  // Heard twice, at whatever times and in whatever order, an event was heard at the earlier one.
  if (known && event.heardAtMs >= known.heardAtMs) return { verdict: 'duplicate', history, filed: known };
  const { base } = history;
  if (base && compareEvents(event, base.upTo) <= 0) {
    // One that was folded cannot be made to have been heard earlier.
    const isDuplicate = known || (isSameEvent(event, base.upTo) && event.heardAtMs >= base.upTo.heardAtMs);
    return { verdict: isDuplicate ? 'duplicate' : 'stale', history };
  }
  const others = known ? history.events.filter((other) => other !== known) : history.events;
  const after = others.findIndex((other) => compareEvents(event, other) < 0);
  const events = others.toSpliced(after === -1 ? others.length : after, 0, event);
  return { verdict: known ? 'duplicate' : 'applied', history: { ...history, events }, filed: event };
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

export function lastEventAtMs(history: DeviceHistory): number {
  const last = history.events.at(-1);
  if (!last) throw new Error('a device without events');
  return orderedAtMs(last);
}
