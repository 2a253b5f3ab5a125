// Removes what should never have been stored, as after a leaked secret. It goes through participants page by page, and
// removes those that match by the recorder, so that callbacks go on in between and each commit compares and sets.
import { Injectable } from '@nestjs/common';
import type { ParticipantRecord } from '../../domain/participant.js';
import { PRESENCE_STATES } from '../../domain/presence-view.js';
import type { SourceName } from '../../domain/subject.js';
import { onTickEnd } from '../../runtime/tick-batch.js';
import { decodeRecord } from '../../storage/encoding/record-codec.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import type { PageCursor, StoredRecord } from '../../storage/ports.js';
import { PresenceReader } from '../read/presence-reader.js';
import { Recorder } from './recorder.js';

/** A participant that was made to be large has a record of 20 KB or more. */
const PAGE_SIZE = 50;
/** Participants that one run looks at. */
const MAX_SCANNED = 1_000;

/** Those that fit all of it. The times, on our clock, are those between which the last event was received. */
export interface PurgeFilter {
  readonly tag?: string | undefined;
  readonly source?: SourceName | undefined;
  readonly scope?: string | undefined;
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface PurgeResult {
  readonly matched: number;
  /** Less than `matched` when participants changed meanwhile, or nothing was to be purged. */
  readonly purged: number;
  /** Where to go on; null: all were looked at. */
  readonly next: PageCursor | null;
}

@Injectable()
export class Purge {
  constructor(
    private readonly reader: PresenceReader,
    private readonly recorder: Recorder,
  ) {}

  /** Rejects with StoreUnavailableError; some may then have been purged. */
  async run(filter: PurgeFilter, after: PageCursor | null, isDryRun: boolean): Promise<PurgeResult> {
    const matches = (record: ParticipantRecord) => isMatch(record, filter);
    const { source, scope, tag } = filter;
    let [matched, purged, next] = [0, 0, after];
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += PAGE_SIZE) {
      // Of scope and tag the one that has fewer participants: `matches` looks at the other.
      const group = scope === undefined ? { tag } : { scope };
      const page = await this.reader.list({ states: PRESENCE_STATES, source, ...group }, next, PAGE_SIZE);
      const found = page.items.filter(({ key, record }) => isReadable(key, record, matches));
      matched += found.length;
      const keys = found.map(({ key }) => key);
      if (!isDryRun) purged += await this.recorder.purge(keys, matches);
      next = page.next;
      if (next === null) break;
      // SQLite reads a page without giving up the turn.
      await new Promise<void>(onTickEnd);
    }
    return { matched, purged, next };
  }
}

/** One that cannot be read matches nothing: nobody can tell what it was. */
function isReadable(key: SubjectKey, record: StoredRecord, matches: (record: ParticipantRecord) => boolean): boolean {
  try {
    return matches(decodeRecord(key, record));
  } catch {
    return false;
  }
}

function isMatch(record: ParticipantRecord, { tag, source, scope, sinceMs, untilMs }: PurgeFilter): boolean {
  if (tag !== undefined && record.tag?.value !== tag) return false;
  if (source !== undefined && record.subject.source !== source) return false;
  if (scope !== undefined && record.subject.scope !== scope) return false;
  const receivedAtMs = lastReceivedAtMs(record);
  return receivedAtMs >= sinceMs && receivedAtMs < untilMs;
}

/** By our clock: whoever forges an event can give it any time of the provider's. */
function lastReceivedAtMs({ devices }: ParticipantRecord): number {
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const { base, events } of devices.values()) {
    for (const { kind, receivedAtMs } of base ? [base.upTo, ...events] : events) {
      // An operator's end was not received.
      if (kind !== 'ended') lastMs = Math.max(lastMs, receivedAtMs);
    }
  }
  return lastMs;
}
