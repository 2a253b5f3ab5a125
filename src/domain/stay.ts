// A stay is a stretch of event time in which a participant was present. Over all its devices, stays that touch, or
// whose gap is short enough to be an interruption, are one: that gives a participant's `since`.
import type { Connection, EndedConnection } from './connection.js';
import type { PresencePolicy } from './policy.js';

export interface Stay {
  readonly startMs: number;
  /** The latest start that still continues this stay; Infinity while a connection is open. */
  readonly reachMs: number;
}

/** More than this many separate past stays are never needed to tell where the present one began, but by hostile input. */
export const MAX_PAST_STAYS = 16;

export function stayOf(connection: Connection, policy: PresencePolicy): Stay {
  switch (connection.phase) {
    case 'open':
      return { startMs: connection.connectedAtMs, reachMs: Number.POSITIVE_INFINITY };
    case 'lost':
      return {
        startMs: connection.connectedAtMs ?? connection.lostAtMs,
        reachMs: connection.lostAtMs + policy.graceMs,
      };
    case 'ended': {
      const startMs = connection.connectedAtMs ?? connection.endedAtMs;
      return { startMs, reachMs: reachOfEnded(connection, startMs, policy) };
    }
  }
}

function reachOfEnded({ cause, endedAtMs }: EndedConnection, startMs: number, policy: PresencePolicy): number {
  switch (cause) {
    case 'left':
      return endedAtMs + policy.leaveGraceMs;
    case 'lost':
      return endedAtMs + policy.graceMs;
    case 'expired':
      return endedAtMs;
    case 'ended':
      // When it really ended nobody knows, and the operator's clock is not the provider's: it continues into no other one.
      return startMs;
  }
}

/** The same stretches as disjoint stays in order of start. */
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

/** Where the uninterrupted presence began that `present` is part of; `merged` holds it, too. */
export function startOfPresence(merged: readonly Stay[], present: Stay): number {
  return merged.findLast((stay) => stay.startMs <= present.startMs)?.startMs ?? present.startMs;
}
