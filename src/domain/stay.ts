// A stay is an interval of provider time in which a participant was present. Stays of all its devices are merged if they
// overlap, or if the gap is no longer than the applicable grace period (leave grace after a leave); the start of the merged
// stay is the participant's `since`.
import { type Connection, type EndedConnection, startMsOf } from './connection.js';
import type { PresencePolicy } from './policy.js';

export interface Stay {
  readonly startMs: number;
  /** A stay that starts no later than this continues this one. Infinity while the connection is open. */
  readonly reachMs: number;
}

/** Legitimate traffic never needs more past stays to determine the start of the current one. */
export const MAX_PAST_STAYS = 16;

export function stayOf(connection: Connection, policy: PresencePolicy): Stay {
  const startMs = startOfStay(connection);
  switch (connection.phase) {
    case 'open':
      return { startMs, reachMs: Number.POSITIVE_INFINITY };
    case 'lost':
      return { startMs, reachMs: connection.lostAtMs + policy.graceMs };
    case 'ended':
      return { startMs, reachMs: reachOfEnded(connection, startMs, policy) };
  }
}

/** The earliest time at which the connection is known to have been open; its end if only that was received. */
export function startOfStay(connection: Connection): number {
  const startMs = startMsOf(connection);
  if (startMs !== undefined) return startMs;
  switch (connection.phase) {
    case 'open':
      return connection.newestAtMs;
    case 'lost':
      return connection.lostAtMs;
    case 'ended':
      return connection.endedAtMs;
  }
}

function reachOfEnded({ cause, endedAtMs }: EndedConnection, startMs: number, policy: PresencePolicy): number {
  switch (cause) {
    case 'left':
      return endedAtMs + policy.leaveGraceMs;
    case 'lost':
    case 'reconciled':
      return endedAtMs + policy.graceMs;
    case 'superseded':
    case 'expired':
      return endedAtMs;
    case 'ended':
      // The real end is unknown, and our clock is not the provider's: nothing that starts later may be within its reach.
      return startMs;
  }
}

/** Merges overlapping stays. Returns disjoint stays in order of start. */
export function mergeStays(stays: readonly Stay[]): Stay[] {
  const merged: Stay[] = [];
  for (const stay of [...stays].sort((a, b) => a.startMs - b.startMs)) {
    const last = merged.at(-1);
    if (last && stay.startMs <= last.reachMs) {
      merged[merged.length - 1] = { startMs: last.startMs, reachMs: Math.max(last.reachMs, stay.reachMs) };
    } else {
      merged.push(stay);
    }
  }
  return merged;
}

/** The start of the uninterrupted presence that includes `present`, which must be part of `merged`. */
export function startOfPresence(merged: readonly Stay[], present: Stay): number {
  return merged.findLast((stay) => stay.startMs <= present.startMs)?.startMs ?? present.startMs;
}
