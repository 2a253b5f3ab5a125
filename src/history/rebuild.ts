// Writes what the records of all participants say, because the changes cannot be read: when history begins, and after a gap.
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Change } from '../domain/change.js';
import type { ParticipantRecord } from '../domain/participant.js';
import type { PolicyOf } from '../domain/policy.js';
import { PRESENCE_STATES } from '../domain/presence-view.js';
import { recordedChanges } from '../domain/recorded-changes.js';
import type { ParticipantId, SourceName } from '../domain/subject.js';
import { LOG } from '../observability/logging.js';
import { POLICY_OF } from '../presence/write/recorder.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { decodeRecord } from '../storage/encoding/record-codec.js';
import { keyOf, type SubjectKey } from '../storage/encoding/subject-key.js';
import type { FeedPosition } from '../storage/feed-position.js';
import {
  type FeedStore,
  type PageCursor,
  type PresenceIndex,
  type RecordStore,
  StoreUnavailableError,
} from '../storage/ports.js';
import { FEED_STORE, PRESENCE_INDEX, RECORD_STORE } from '../storage/tokens.js';
import { HistoryMetrics } from './history-metrics.js';
import { HistoryStore } from './history-store.js';
import { project } from './projection.js';
import { type ProjectorState, saveState } from './projector-state.js';
import type { Tables } from './tables.js';

const PAGE_SIZE = 100;

@Injectable()
export class Rebuild {
  constructor(
    private readonly store: HistoryStore,
    private readonly metrics: HistoryMetrics,
    @Inject(PRESENCE_INDEX) private readonly index: PresenceIndex,
    @Inject(RECORD_STORE) private readonly records: RecordStore,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(POLICY_OF) private readonly policyOf: PolicyOf,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /**
   * Resolves with the state from which the feed is to be read. If it is interrupted, it starts over: nothing is noted until it is
   * complete.
   */
  async run(before: ProjectorState, signal: AbortSignal): Promise<ProjectorState> {
    const isFirst = before.position === null;
    if (!isFirst) this.log.error({ sinceMs: before.readUntilMs }, 'history has a gap: its changes have left the feed');
    let state = before;
    // Before the first page: whatever is not on a page yet is in the feed after this position, and what is on both is written once.
    const position = await this.feed.end();
    for (let after: PageCursor | null = null; ; ) {
      const page = await this.index.page({ states: PRESENCE_STATES }, after, PAGE_SIZE);
      const changes = page.items.flatMap(({ key, record }) => this.#changesOf(key, record, before.readUntilMs));
      state = await this.#write(state, changes);
      after = page.items.at(-1) ?? null;
      if (after === null || page.items.length < PAGE_SIZE) break;
      if (signal.aborted) throw new Error('interrupted');
    }
    if (!isFirst) await this.#endForgotten(state);
    return this.#complete(state, position, isFirst);
  }

  async #write(state: ProjectorState, changes: readonly Change[]): Promise<ProjectorState> {
    return this.store.inTransaction(async (db, tools) => {
      await saveState(db, state);
      const { longestMs } = await project(db, tools, changes, { isRebuild: true });
      const next = { ...state, longestMs: Math.max(state.longestMs, longestMs) };
      await saveState(db, next);
      return next;
    });
  }

  /** Ends the connections of devices that are no longer in any record. When and why they ended is lost. */
  async #endForgotten(state: ProjectorState): Promise<void> {
    for (let afterId = -1; ; ) {
      const rows = await this.store.use(({ db }) => openRows(db, afterId));
      const last = rows.at(-1);
      if (!last) return;
      afterId = last.id;
      const known = await this.#devicesOf(rows.map(({ key }) => key));
      const forgotten = rows.filter(({ key, device_id }) => known.get(key)?.has(device_id) === false);
      await this.store.inTransaction(async (db) => {
        await saveState(db, state);
        for (const { id, started_at_ms } of forgotten) {
          const ended_at_ms = Math.max(state.readUntilMs, started_at_ms);
          const end = { ended_at_ms, lost_at_ms: null, cause: 'expired' as const };
          await db.updateTable('connections').set(end).where('id', '=', id).execute();
        }
      });
    }
  }

  async #complete(state: ProjectorState, position: FeedPosition, isFirst: boolean): Promise<ProjectorState> {
    const nowMs = this.clock.now();
    const next = { ...state, position, readUntilMs: nowMs };
    await this.store.inTransaction(async (db) => {
      await saveState(db, next);
      if (isFirst) await db.updateTable('projector').set({ kept_from_ms: nowMs }).execute();
      else await db.insertInto('gaps').values({ from_ms: state.readUntilMs, to_ms: nowMs }).execute();
    });
    if (!isFirst) this.metrics.gapFound();
    return next;
  }

  /** Without participants whose records cannot be decoded: nothing is known about them. */
  async #devicesOf(keys: readonly SubjectKey[]): Promise<ReadonlyMap<SubjectKey, ReadonlySet<string>>> {
    const unique = [...new Set(keys)];
    const texts = await this.records.load(unique);
    const found = new Map<SubjectKey, ReadonlySet<string>>();
    for (const [n, key] of unique.entries()) {
      const text = texts[n] ?? null;
      if (text instanceof StoreUnavailableError) throw text;
      const devices = text === null ? new Map() : this.#decode(key, text)?.devices;
      if (devices) found.set(key, new Set(devices.keys()));
    }
    return found;
  }

  #changesOf(key: SubjectKey, text: string, knownUntilMs: number): Change[] {
    const record = this.#decode(key, text);
    return record ? recordedChanges(record, this.policyOf(record.subject.source), knownUntilMs) : [];
  }

  /** undefined: it cannot be read, which is logged where it is needed for more than history. */
  #decode(key: SubjectKey, text: string): ParticipantRecord | undefined {
    try {
      return decodeRecord(key, text);
    } catch {
      return undefined;
    }
  }
}

async function openRows(db: Kysely<Tables>, afterId: number) {
  const rows = await db
    .selectFrom('connections')
    .select(['id', 'source', 'scope', 'participant_id', 'device_id', 'started_at_ms'])
    .where('ended_at_ms', 'is', null)
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(PAGE_SIZE)
    .execute();
  return rows.map((row) => {
    const { source, scope, participant_id } = row;
    const key = keyOf({ source: source as SourceName, scope, participantId: participant_id as ParticipantId });
    return { ...row, key };
  });
}
