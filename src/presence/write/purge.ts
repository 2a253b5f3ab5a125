// Removes participants that should never have been stored, for example after a callback secret has leaked. Matching
// participants are removed page by page through the recorder, so that callbacks are stored in between and every removal is a
// compare-and-set.
import { Injectable } from '@nestjs/common';
import { isOperators } from '../../domain/lifecycle-event.js';
import { hasEvents, type ParticipantRecord } from '../../domain/participant.js';
import { PARTICIPANT_STATES } from '../../domain/presence-view.js';
import type { SourceName } from '../../domain/subject.js';
import { onTickEnd } from '../../runtime/tick-batch.js';
import { readableRecord } from '../../storage/encoding/record-codec.js';
import type { PageCursor } from '../../storage/ports.js';
import { PresenceReader } from '../read/presence-reader.js';
import { Recorder } from './recorder.js';

/** An attacker can create records of 20 KB or more. */
const PAGE_SIZE = 50;
/** Participants examined by one run. */
const MAX_SCANNED = 1_000;

/** A participant must match all of it. `sinceMs` and `untilMs` limit when, on our clock, its last event was received. */
export interface PurgeFilter {
  readonly tag?: string | undefined;
  readonly source?: SourceName | undefined;
  readonly scope?: string | undefined;
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface PurgeResult {
  readonly matched: number;
  /** Less than `matched` if participants changed meanwhile; 0 in a dry run. */
  readonly purged: number;
  /** Where to continue; null: all were examined. */
  readonly next: PageCursor | null;
}

@Injectable()
export class Purge {
  constructor(
    private readonly reader: PresenceReader,
    private readonly recorder: Recorder,
  ) {}

  /** Rejects with StoreUnavailableError, possibly after some were purged. */
  async run(filter: PurgeFilter, after: PageCursor | null, isDryRun: boolean): Promise<PurgeResult> {
    const matches = (record: ParticipantRecord) => isMatch(record, filter);
    const { source, scope, tag } = filter;
    let [matched, purged, next] = [0, 0, after];
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += PAGE_SIZE) {
      // A scope has fewer participants than a tag; `matches` checks the tag.
      const group = scope === undefined ? { tag } : { scope };
      const page = await this.reader.list({ states: PARTICIPANT_STATES, source, ...group }, next, PAGE_SIZE);
      const found = page.items.filter(({ key, record }) => {
        const readable = readableRecord(key, record);
        return readable !== undefined && matches(readable);
      });
      matched += found.length;
      const keys = found.map(({ key }) => key);
      if (!isDryRun) purged += await this.recorder.purge(keys, matches);
      next = page.next;
      if (next === null) break;
      // SQLite is synchronous: let other work run between pages.
      await new Promise<void>(onTickEnd);
    }
    return { matched, purged, next };
  }
}

function isMatch(record: ParticipantRecord, { tag, source, scope, sinceMs, untilMs }: PurgeFilter): boolean {
  if (tag !== undefined && record.tag?.value !== tag) return false;
  if (source !== undefined && record.subject.source !== source) return false;
  if (scope !== undefined && record.subject.scope !== scope) return false;
  const receivedAtMs = lastReceivedAtMs(record);
  return receivedAtMs >= sinceMs && receivedAtMs < untilMs;
}

/** On our clock: a forged event can carry any provider time. */
function lastReceivedAtMs(record: ParticipantRecord): number {
  const { devices, ends, availabilityFacts, labels } = record;
  if (!hasEvents(record)) return labels?.operator?.receivedAtMs ?? Number.NEGATIVE_INFINITY;
  const facts = availabilityFacts.filter((fact) => !isOperators(fact));
  let lastMs = Math.max(...[...ends, ...facts].map(({ receivedAtMs }) => receivedAtMs));
  for (const { base, events } of devices.values()) {
    for (const { kind, receivedAtMs } of base ? [base.upTo, ...events] : events) {
      // An operator's end is not a received event.
      if (kind !== 'ended') lastMs = Math.max(lastMs, receivedAtMs);
    }
  }
  return lastMs;
}
