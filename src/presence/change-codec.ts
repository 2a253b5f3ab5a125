// An announced change as text for the feed: a JSON array by position, for the same reason as record-codec.ts.
import type { Change, ChangeType } from './domain/change.js';
import type { GoneCause } from './domain/connection.js';
import type { DeviceId, ParticipantId } from './domain/lifecycle-event.js';
import type { PresenceState } from './domain/presence-view.js';

/** type, participant, device, source, tag, state, previous state, cause, since, at, heardAt, version */
type ChangeText = [
  ChangeType,
  ParticipantId,
  DeviceId | 0,
  string,
  string | 0,
  PresenceState,
  PresenceState | 0,
  GoneCause | 0,
  number,
  number | null,
  number,
  number,
];

export function encodeChange(change: Change): string {
  const { type, participantId, deviceId, source, tag, state, previousState, cause, sinceMs, atMs, heardAtMs, version } =
    change;
  const subject = [type, participantId, deviceId ?? 0, source, tag ?? 0] as const;
  const text: ChangeText = [...subject, state, previousState ?? 0, cause ?? 0, sinceMs, atMs, heardAtMs, version];
  return JSON.stringify(text);
}

/** Throws when the text is not JSON. */
export function decodeChange(text: string): Change {
  const [type, participantId, deviceId, source, tag, state, previousState, cause, sinceMs, atMs, heardAtMs, version] =
    JSON.parse(text) as ChangeText;
  return {
    type,
    participantId,
    ...(deviceId !== 0 && { deviceId }),
    source,
    ...(tag !== 0 && { tag }),
    state,
    previousState: previousState === 0 ? null : previousState,
    ...(cause !== 0 && { cause }),
    sinceMs,
    atMs,
    heardAtMs,
    version,
  };
}
