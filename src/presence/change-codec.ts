// What one commit announced, as the text of one entry of the feed: a JSON array by position, for the same reason as
// record-codec.ts, with what its changes share written once.
import type { Change, ChangeType } from './domain/change.js';
import type { GoneCause } from './domain/connection.js';
import type { DeviceId, ParticipantId } from './domain/lifecycle-event.js';
import type { PresenceState } from './domain/presence-view.js';

/** participant, source, tag, version, changes */
type EntryText = [ParticipantId, string, string | 0, number, ChangeText[]];

/** type, device, previous tag, state, previous state, cause, since, at, heardAt */
type ChangeText = [
  ChangeType,
  DeviceId | 0,
  string | 0,
  PresenceState,
  PresenceState | 0,
  GoneCause | 0,
  number,
  number | null,
  number,
];

/** `changes`: all that one commit announces of one participant. null: none. */
export function encodeChanges(changes: readonly Change[]): string | null {
  const [first] = changes;
  if (!first) return null;
  const { participantId, source, tag, version } = first;
  const text: EntryText = [participantId, source, tag ?? 0, version, changes.map(changeText)];
  return JSON.stringify(text);
}

/** '' is the text of the entry that a feed begins with. Throws when the text is not JSON. */
export function decodeChanges(text: string): Change[] {
  if (text === '') return [];
  const [participantId, source, tag, version, changes] = JSON.parse(text) as EntryText;
  return changes.map(
    ([type, deviceId, previousTag, state, previousState, cause, sinceMs, atMs, heardAtMs]): Change => ({
      type,
      participantId,
      ...(deviceId !== 0 && { deviceId }),
      source,
      ...(tag !== 0 && { tag }),
      ...(previousTag !== 0 && { previousTag }),
      state,
      previousState: previousState === 0 ? null : previousState,
      ...(cause !== 0 && { cause }),
      sinceMs,
      atMs,
      heardAtMs,
      version,
    }),
  );
}

function changeText(change: Change): ChangeText {
  const { type, deviceId, previousTag, state, previousState, cause, sinceMs, atMs, heardAtMs } = change;
  return [type, deviceId ?? 0, previousTag ?? 0, state, previousState ?? 0, cause ?? 0, sinceMs, atMs, heardAtMs];
}
