// The time at which presence changes without an event: the end of a grace period, a leave grace or a retention period, or the
// expiry of a connection. The deadline worker advances the records that are due, so presence stays correct when no events arrive.
import { type Connection, type EndedConnection, graceEndMs } from './connection.js';
import type { PresencePolicy } from './policy.js';
import { lastEnded, leaveGraceEndMs, type PresenceState, type SettledDevice } from './presence-view.js';

/** Whether its retention period is over, on our clock. */
export function isForgettable(connection: EndedConnection, policy: PresencePolicy, nowMs: number): boolean {
  return nowMs >= forgetAtMs(connection, policy);
}

function forgetAtMs(connection: EndedConnection, policy: PresencePolicy): number {
  return connection.endedReceivedAtMs + policy.retentionMs;
}

/** The next time, on our clock, at which `advance` would change something without an event. */
export function nextDeadlineMs(
  devices: readonly SettledDevice[],
  state: PresenceState,
  policy: PresencePolicy,
): number {
  const deadlines = devices.map(({ connection }) => deadlineMs(connection, policy));
  // A participant that is gone is deleted as a whole, when the retention period of its last device is over.
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
