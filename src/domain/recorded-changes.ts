// What a record says of its devices, as changes: for whoever has missed those that announced it.
import type { Change } from './change.js';
import { connectionsOf } from './device-connections.js';
import { type DeviceHistory, fold } from './device-history.js';
import type { ParticipantRecord } from './participant.js';
import type { PresencePolicy } from './policy.js';

/**
 * One change for each device, with all of its connections that are still in the record. `knownUntilMs`: changes until then, by our
 * clock, are known. A device of which nothing was received before is new.
 */
export function recordedChanges(record: ParticipantRecord, policy: PresencePolicy, knownUntilMs: number): Change[] {
  const { subject, version, tag, participantRef, announced, devices, ends } = record;
  return announced.devices.flatMap((view) => {
    const { deviceId, state, cause, sinceMs, connectedAtMs, interruptions } = view;
    const history = devices.get(deviceId);
    if (!history) return [];
    const { current } = connectionsOf({ history, ...fold(history, ends, policy) }, ends, undefined, policy);
    return {
      type: 'device.updated' as const,
      subject,
      deviceId,
      ...(tag && { tag: tag.value }),
      ...(participantRef && { participantRef: participantRef.value }),
      state,
      previousState: isNew(history, knownUntilMs) ? null : state,
      ...(cause && { cause }),
      sinceMs,
      occurredAtMs: null,
      receivedAtMs: sinceMs,
      version,
      // The view has what time or another device has changed about the current connection.
      connection: { ...current, connectedAtMs, interruptions },
    };
  });
}

function isNew({ base, events }: DeviceHistory, knownUntilMs: number): boolean {
  return base === undefined && events.every(({ receivedAtMs }) => receivedAtMs > knownUntilMs);
}
