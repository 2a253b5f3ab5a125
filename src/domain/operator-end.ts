// An operator can end presence for which the provider will never send an end event (a "ghost"). Such an end is an event
// like any other, ordered directly after the newest event of its device. A later connect or disconnect undoes it; a later leave
// only changes the cause. Operators can also purge participants that should never have been stored: their presence ends and
// their record is removed.
import type { Connection } from './connection.js';
import { lastEvent } from './device-history.js';
import { type DeviceId, orderedAtMs, type RecordedEvent } from './lifecycle-event.js';
import { withdrawal } from './operator-labels.js';
import { type Advance, advance, type ParticipantRecord, settledDevices } from './participant.js';
import type { PresencePolicy } from './policy.js';
import { leaveGraceEndMs } from './presence-view.js';

/** The events that end a participant, or one of its devices, now. Empty if it is neither present nor expected. */
export function operatorEnds(
  record: ParticipantRecord,
  deviceId: DeviceId | undefined,
  clockMs: number,
  policy: PresencePolicy,
): RecordedEvent[] {
  const { subject, settledAtMs } = record;
  const nowMs = Math.max(clockMs, settledAtMs ?? clockMs);
  const events: RecordedEvent[] = [];
  const taken = record.announced.state === 'expected' && deviceId === undefined ? withdrawal(record, nowMs) : undefined;
  if (taken) events.push(taken);
  for (const { deviceId: id, history, connection } of settledDevices(record, policy, nowMs)) {
    if (deviceId !== undefined && id !== deviceId) continue;
    if (!holdsPresence(connection, policy, nowMs)) continue;
    const last = lastEvent(history);
    const { precisionMs, sequence } = last;
    // Ordered directly after the last event. If a node whose clock is ahead received that event, its later receipt time is
    // used too.
    const place = { occurredAtMs: orderedAtMs(last), precisionMs, ...(sequence !== undefined && { sequence }) };
    const receivedAtMs = Math.max(nowMs, last.receivedAtMs);
    events.push({ subject, deviceId: id, kind: 'ended', ...place, receivedAtMs });
  }
  return events;
}

/** Removes the record. Announces the end of a participant that was present. */
export function purge(record: ParticipantRecord, clockMs: number, policy: PresencePolicy): Advance {
  const { changes } = advance(record, operatorEnds(record, undefined, clockMs, policy), clockMs, policy);
  return { record: undefined, changes, verdicts: [] };
}

function holdsPresence(connection: Connection, policy: PresencePolicy, nowMs: number): boolean {
  return connection.phase !== 'ended' || (leaveGraceEndMs(connection, policy) ?? nowMs) > nowMs;
}
