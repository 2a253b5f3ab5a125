// An operator ends what is wrongly present: a ghost, of which the provider sends no event any more. It is an event like
// any other, placed right after the newest one of each device that it ends, so that any later event undoes it. Or an
// operator purges what should never have been stored: its presence is ended, and nothing of it is kept.
import type { Connection } from './connection.js';
import { fold, lastEventAtMs } from './device-history.js';
import type { DeviceId, LifecycleEvent } from './lifecycle-event.js';
import { type Advance, advance, type ParticipantRecord } from './participant.js';
import type { PresencePolicy } from './policy.js';
import { leaveGraceEndMs, settle } from './presence-view.js';

/** The events that end all of a participant, or one of its devices, now; none: nothing of it is present. */
export function operatorEnds(
  { source, participantId, devices, settledAtMs }: ParticipantRecord,
  deviceId: DeviceId | undefined,
  clockMs: number,
  policy: PresencePolicy,
): LifecycleEvent[] {
  const nowMs = Math.max(clockMs, settledAtMs ?? clockMs);
  const events: LifecycleEvent[] = [];
  for (const [id, history] of devices) {
    if (deviceId !== undefined && id !== deviceId) continue;
    if (!holdsPresence(settle(fold(history, policy).connection, policy, nowMs), policy, nowMs)) continue;
    const times = { atMs: lastEventAtMs(history), heardAtMs: nowMs };
    events.push({ source, participantId, deviceId: id, kind: 'ended', ...times });
  }
  return events;
}

/** The end of a participant and the changes that announce it, none of one who was gone; there is no record any more. */
export function purge(record: ParticipantRecord, clockMs: number, policy: PresencePolicy): Advance {
  const { changes } = advance(record, operatorEnds(record, undefined, clockMs, policy), clockMs, policy);
  return { record: undefined, changes, verdicts: [] };
}

function holdsPresence(connection: Connection, policy: PresencePolicy, nowMs: number): boolean {
  return connection.phase !== 'ended' || (leaveGraceEndMs(connection, policy) ?? nowMs) > nowMs;
}
