// From what the rules made of a loaded record to what a store is asked to commit.
import { encodeChanges } from './change-codec.js';
import type { ParticipantId } from './domain/lifecycle-event.js';
import type { Advance, ParticipantRecord } from './domain/participant.js';
import type { Changeset, IndexEntry, StoredRecord } from './presence-store.js';
import { decodeRecord, encodeRecord } from './record-codec.js';

/** A record together with the very text it was loaded as: that is what a commit is compared with. */
export interface LoadedRecord {
  readonly text: StoredRecord;
  readonly record: ParticipantRecord;
}

/** null: nothing is stored. Throws when the text is not that of a record. */
export function readRecord(participantId: ParticipantId, text: StoredRecord | null): LoadedRecord | null {
  return text === null ? null : { text, record: decodeRecord(participantId, text) };
}

/** null: there is nothing to commit. */
export function changesetOf(
  participantId: ParticipantId,
  loaded: LoadedRecord | null,
  advance: Advance,
): Changeset | null {
  const { record, changes } = advance;
  if (record === loaded?.record) return null;
  return {
    participantId,
    before: loaded && { record: loaded.text, index: indexEntry(loaded.record) },
    after: record ? { record: encodeRecord(record), index: indexEntry(record) } : null,
    changes: encodeChanges(changes),
  };
}

/** A function of the record alone, so that the entry to remove is known from the record that is replaced. */
export function indexEntry({ announced, tag, deadlineMs }: ParticipantRecord): IndexEntry {
  return {
    state: announced.state,
    sinceMs: announced.sinceMs,
    ...(tag && { tag: tag.value }),
    devices: announced.devices.filter(({ state }) => state !== 'gone').length,
    dueMs: deadlineMs,
  };
}
