// From what the rules made of a loaded record to what a store is asked to commit.

import type { Advance, ParticipantRecord } from '../../domain/participant.js';
import type { Subject } from '../../domain/subject.js';
import { encodeChanges } from '../../storage/encoding/change-codec.js';
import { decodeRecord, encodeRecord } from '../../storage/encoding/record-codec.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import type { Changeset, Group, IndexEntry, StoredRecord } from '../../storage/ports.js';

/** A record together with the very text it was loaded as: that is what a commit is compared with. */
export interface LoadedRecord {
  readonly text: StoredRecord;
  readonly record: ParticipantRecord;
}

/** null: nothing is stored. Throws when the text is not that of a record. */
export function readRecord(key: SubjectKey, text: StoredRecord | null): LoadedRecord | null {
  return text === null ? null : { text, record: decodeRecord(key, text) };
}

/** null: there is nothing to commit. */
export function changesetOf(key: SubjectKey, loaded: LoadedRecord | null, advance: Advance): Changeset | null {
  const { record, changes } = advance;
  if (record === loaded?.record) return null;
  return {
    key,
    before: loaded && { record: loaded.text, index: indexEntry(loaded.record) },
    after: record ? { record: encodeRecord(record), index: indexEntry(record) } : null,
    changes: encodeChanges(changes),
  };
}

/** A function of the record alone, so that the entry to remove is known from the record that is replaced. */
function indexEntry({ subject, announced, tag, deadlineMs }: ParticipantRecord): IndexEntry {
  return {
    source: subject.source,
    state: announced.state,
    sinceMs: announced.sinceMs,
    groups: groupsOf(subject, tag?.value),
    devices: announced.devices.filter(({ state }) => state !== 'gone').length,
    dueMs: deadlineMs,
  };
}

/** Who has no scope is found by the id alone, and in no group of its own. */
function groupsOf({ scope, participantId }: Subject, tag: string | undefined): Group[] {
  const groups: Group[] = tag === undefined ? [] : [{ kind: 'tag', name: tag }];
  if (scope !== '') groups.push({ kind: 'scope', name: scope }, { kind: 'id', name: participantId });
  return groups;
}
