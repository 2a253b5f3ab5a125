// The time at which presence changes without an event: the end of a grace period, a leave grace or a retention period, or the
// expiry of a connection. The deadline worker advances the records that are due, so presence stays correct when no events arrive.
import { type EndedConnection, graceEndMs } from './connection.js';
import type { DeviceId } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import { lastEnded, leaveGraceEndMs, type ParticipantState, type SettledDevice } from './presence-view.js';
import type { Rule } from './rules.js';

/** Whether its retention period is over, on our clock. */
export function isForgettable(connection: EndedConnection, policy: PresencePolicy, nowMs: number): boolean {
  return nowMs >= forgetAtMs(connection, policy);
}

function forgetAtMs(connection: EndedConnection, policy: PresencePolicy): number {
  return connection.endedReceivedAtMs + policy.retentionMs;
}

/** `rule`: what changes then if no event arrives. Without a device, it is about the participant. */
export interface Deadline {
  readonly atMs: number;
  readonly rule: Rule;
  readonly deviceId?: DeviceId;
}

/** The next time, on our clock, at which `advance` would change something without an event. */
export function nextDeadlineMs(
  devices: readonly SettledDevice[],
  state: ParticipantState,
  policy: PresencePolicy,
): number {
  return nextDeadline(devices, state, policy).atMs;
}

/** The same with what changes. `devices`: at least one. */
export function nextDeadline(
  devices: readonly SettledDevice[],
  state: ParticipantState,
  policy: PresencePolicy,
): Deadline {
  const deadlines = devices.map((device) => deadlineOf(device, policy));
  // A participant that is gone is deleted as a whole, when the retention period of its last device is over.
  if (state === 'gone') {
    return { atMs: Math.max(...deadlines.map(({ atMs }) => atMs)), rule: 'participant-forgotten' };
  }
  const isInLeaveGrace = devices.every(({ connection }) => connection.phase === 'ended');
  const atMs = isInLeaveGrace ? leaveGraceEndMs(lastEnded(devices), policy) : undefined;
  if (atMs !== undefined) deadlines.push({ atMs, rule: 'leave-grace-over' });
  return deadlines.reduce((next, deadline) => (deadline.atMs < next.atMs ? deadline : next));
}

export function deadlineOf({ deviceId, connection }: SettledDevice, policy: PresencePolicy): Deadline {
  switch (connection.phase) {
    case 'open':
      return { atMs: connection.newestReceivedAtMs + policy.maxConnectionMs + 1, rule: 'expired', deviceId };
    case 'lost':
      return { atMs: graceEndMs(connection, policy), rule: 'grace-over', deviceId };
    case 'ended':
      return { atMs: forgetAtMs(connection, policy), rule: 'device-forgotten', deviceId };
  }
}
