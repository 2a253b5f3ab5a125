// When presence changes with no event at all: grace over, leave grace over, longest connection over, retention over.
// A node that asks for the records whose deadline has come, and advances them, keeps presence true through silence.
import type { Connection, EndedConnection } from './connection.js';
import type { PresencePolicy } from './policy.js';
import { graceEndMs, lastEnded, leaveGraceEndMs, type PresenceState, type SettledDevice } from './presence-view.js';

/** Whether it ended, by our clock, longer than the retention ago. */
export function isForgettable(connection: EndedConnection, policy: PresencePolicy, nowMs: number): boolean {
  return nowMs >= forgetAtMs(connection, policy);
}

function forgetAtMs(connection: EndedConnection, policy: PresencePolicy): number {
  return connection.endedReceivedAtMs + policy.retentionMs;
}

/** The first moment of our clock, after the one that `devices` were settled at, when `advance` would change something. */
export function nextDeadlineMs(
  devices: readonly SettledDevice[],
  state: PresenceState,
  policy: PresencePolicy,
): number {
  const deadlines = devices.map(({ connection }) => deadlineMs(connection, policy));
  // A gone participant is forgotten whole, once the last of its devices may be.
  if (state === 'gone') return Math.max(...deadlines);
  const isInLeaveGrace = devices.every(({ connection }) => connection.phase === 'ended');
  const leaveGraceOverMs = isInLeaveGrace ? leaveGraceEndMs(lastEnded(devices), policy) : undefined;
  return Math.min(...deadlines, leaveGraceOverMs ?? Number.POSITIVE_INFINITY);
}

function deadlineMs(connection: Connection, policy: PresencePolicy): number {
  switch (connection.phase) {
    case 'open':
      return connection.newestReceivedAtMs + policy.maxConnectionMs + 1;
    case 'lost':
      return graceEndMs(connection, policy);
    case 'ended':
      return forgetAtMs(connection, policy);
  }
}
