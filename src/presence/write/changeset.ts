// Converts between stored records and the domain: what to load, and the changeset to commit.

import { labelsOf, NO_LABELS } from '../../domain/labels.js';
import type { Advance, ParticipantRecord } from '../../domain/participant.js';
import type { Subject } from '../../domain/subject.js';
import { encodeChanges } from '../../storage/encoding/change-codec.js';
import { decodeRecord, encodeRecord } from '../../storage/encoding/record-codec.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import type { Changeset, Group, IndexEntry, StoredRecord } from '../../storage/ports.js';

/** A record and the exact text it was loaded from, which the commit compares with the stored one. */
export interface LoadedRecord {
  readonly text: StoredRecord;
  readonly record: ParticipantRecord;
}

/** null: nothing is stored. Throws if the text cannot be decoded. */
export function readRecord(key: SubjectKey, text: StoredRecord | null): LoadedRecord | null {
  return text === null ? null : { text, record: decodeRecord(key, text) };
}

/** null: nothing to commit. */
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

/** Derived from the record alone, so that the previous entry can be computed from the previous record. */
export function indexEntry({ subject, announced, tag, labels: given, deadlineMs }: ParticipantRecord): IndexEntry {
  const labels = labelsOf(given);
  return {
    source: subject.source,
    state: announced.state,
    sinceMs: announced.sinceMs,
    groups: groupsOf(subject, tag?.value),
    labels: labels === NO_LABELS ? undefined : labels,
    devices: announced.devices.filter(({ state }) => state !== 'gone').length,
    availability: announced.availability,
    dueMs: deadlineMs,
  };
}

/** A participant without a scope needs no `id` group: its key can be computed from its id. */
function groupsOf({ scope, participantId }: Subject, tag: string | undefined): IndexEntry['groups'] {
  const groups: Group<'tag' | 'scope' | 'id'>[] = tag === undefined ? [] : [{ kind: 'tag', name: tag }];
  if (scope !== '') groups.push({ kind: 'scope', name: scope }, { kind: 'id', name: participantId });
  return groups;
}
