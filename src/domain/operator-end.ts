// An operator ends what is wrongly present: a ghost, of which the provider sends no event any more. It is an event like
// any other, placed right after the newest one of each device that it ends, so that any later event undoes it. Or an
// operator purges what should never have been stored: its presence is ended, and nothing of it is kept.
import type { Connection } from './connection.js';
import { fold, lastEvent } from './device-history.js';
import { type DeviceId, type LifecycleEvent, orderedAtMs } from './lifecycle-event.js';
import { type Advance, advance, type ParticipantRecord } from './participant.js';
import type { PresencePolicy } from './policy.js';
import { leaveGraceEndMs, settle } from './presence-view.js';

/** The events that end all of a participant, or one of its devices, now; none: nothing of it is present. */
export function operatorEnds(
  { subject, devices, settledAtMs }: ParticipantRecord,
  deviceId: DeviceId | undefined,
  clockMs: number,
  policy: PresencePolicy,
): LifecycleEvent[] {
  const nowMs = Math.max(clockMs, settledAtMs ?? clockMs);
  const events: LifecycleEvent[] = [];
  for (const [id, history] of devices) {
    if (deviceId !== undefined && id !== deviceId) continue;
    if (!holdsPresence(settle(fold(history, policy).connection, policy, nowMs), policy, nowMs)) continue;
    const last = lastEvent(history);
    const { precisionMs, sequence } = last;
    // It has the order of the event that it follows: also where receipt decides, and another node's clock is ahead.
    const place = { occurredAtMs: orderedAtMs(last), precisionMs, ...(sequence !== undefined && { sequence }) };
    const receivedAtMs = Math.max(nowMs, last.receivedAtMs);
    events.push({ subject, deviceId: id, kind: 'ended', ...place, receivedAtMs });
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
