// Reads the change feed and writes it to the tables of history: one process at a time, the one that holds the lease. If its
// position is no longer in the feed, it records the gap and reads the records of all participants instead.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Change } from '../domain/change.js';
import { FeedReader } from '../feed/feed-reader.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import { type FeedPosition, hasReached } from '../storage/feed-position.js';
import { type HeldLease, LeaseHolder } from '../storage/lease-holder.js';
import type { FeedStore, LeaseStore } from '../storage/ports.js';
import { FEED_STORE, LEASE_STORE } from '../storage/tokens.js';
import { HistoryMetrics } from './history-metrics.js';
import { HistoryStore, NotTheProjectorError } from './history-store.js';
import { LastConnections } from './last-connections.js';
import { project } from './projection.js';
import { type ProjectorState, saveState, takeToken } from './projector-state.js';
import { Pruner } from './pruner.js';
import { Rebuild } from './rebuild.js';

const LEASE = 'history';
/** Another process takes over within this time and a third of it. */
const LEASE_TTL_MS = 10_000;
/** Entries of the feed that are written at once: on SQLite, this blocks the event loop for about 10 ms. */
const BATCH_SIZE = 512;
/**
 * No batch is added to a transaction that has this many changes. Each new row changes a page of most indexes, and a commit writes
 * all pages that have changed, so that a large transaction takes less time than several small ones.
 */
const ENOUGH_CHANGES = 8_192;
/** At the end of the feed, so that changes that arrive meanwhile are written together. */
const PAUSE_MS = 500;
/** The same pause if more than one batch was written. */
const BUSY_PAUSE_MS = 750;
/** Between batches. */
const MAX_TURN_MS = 10;
const RETRY_MS = 1_000;
/** How often the state is saved while there are no changes. */
const SAVE_MS = 10_000;

interface ReadBatches {
  readonly batches: readonly (readonly Change[])[];
  readonly position: FeedPosition;
  readonly isLast: boolean;
}

@Injectable()
export class Projector {
  readonly #lease: LeaseHolder;
  #state: ProjectorState | undefined;
  readonly #known = new LastConnections();
  readonly #startMs: number;
  /** When the state was last saved. */
  #savedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: HistoryStore,
    private readonly reader: FeedReader,
    private readonly rebuild: Rebuild,
    private readonly pruner: Pruner,
    private readonly metrics: HistoryMetrics,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(LEASE_STORE) leases: LeaseStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#lease = new LeaseHolder(LEASE, { leases, clock, log, ttlMs: LEASE_TTL_MS });
    this.#startMs = clock.now();
    metrics.showReadUntil(() => (this.#lease.isHolding ? (this.#state?.readUntilMs ?? this.#startMs) : undefined));
  }

  start(): void {
    if (this.store.place) this.#lease.start((lease) => this.#work(lease));
  }

  async stop(): Promise<void> {
    await this.#lease.stop();
    await this.store.close();
  }

  async #work({ signal }: HeldLease): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#known.clear();
        this.#state = await this.store.use(({ db }) => takeToken(db));
        await this.#run(signal);
      } catch (error) {
        // The store of presence or the database is unavailable, which is logged elsewhere.
        this.log.debug({ reason: (error as Error).message }, 'history cannot be written');
        const isReplaced = error instanceof NotTheProjectorError;
        if (!isReplaced) this.metrics.failed();
        await delay(this.clock, isReplaced ? LEASE_TTL_MS : RETRY_MS, signal);
      }
    }
    this.#state = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startMs = this.clock.now();
      const { isUpToDate, isBusy } = await this.#step(signal);
      const pruned = isUpToDate ? await this.pruner.run() : 0;
      if (pruned > 0) this.#known.clear();
      if (isUpToDate && pruned === 0) await delay(this.clock, isBusy ? BUSY_PAUSE_MS : PAUSE_MS, signal);
      else await this.#giveWay(this.clock.now() - startMs, signal);
    }
  }

  /** Resolves with whether the end of the feed was reached, and whether there was much to write. */
  async #step(signal: AbortSignal): Promise<{ readonly isUpToDate: boolean; readonly isBusy: boolean }> {
    const state = this.#state as ProjectorState;
    const startMs = this.clock.now();
    // Reading leaves out a part of the feed that is unavailable: only its end says whether everything was read.
    const end = await this.feed.end().catch(() => undefined);
    const read = state.position && (await this.#read(state.position, signal));
    if (read === null) {
      this.#known.clear();
      this.#state = await this.rebuild.run(state, signal);
      return { isUpToDate: false, isBusy: true };
    }
    const { batches, position, isLast } = read;
    const isAllRead = isLast && end !== undefined && hasReached(position, end);
    const next = { ...state, position, readUntilMs: isAllRead ? startMs : state.readUntilMs };
    const mustWrite = batches.length > 0 || startMs - this.#savedAtMs >= SAVE_MS;
    this.#state = mustWrite ? await this.#write(batches, next, signal) : next;
    if (mustWrite) this.#savedAtMs = startMs;
    return { isUpToDate: isLast, isBusy: batches.length > 1 };
  }

  /** null: the position is no longer in the feed. */
  async #read(after: FeedPosition, signal: AbortSignal): Promise<ReadBatches | null> {
    const batches: (readonly Change[])[] = [];
    let changeCount = 0;
    for (let position = after; ; ) {
      const batch = await this.reader.batch(position, BATCH_SIZE);
      if (batch === null) return batches.length > 0 ? { batches, position, isLast: false } : null;
      position = batch.position;
      if (batch.changes.length > 0) batches.push(batch.changes);
      changeCount += batch.changes.length;
      const isEnough = changeCount >= ENOUGH_CHANGES || signal.aborted;
      if (batch.isLast || isEnough) return { batches, position, isLast: batch.isLast };
      await this.#giveWay(0, signal);
    }
  }

  async #write(batches: ReadBatches['batches'], state: ProjectorState, signal: AbortSignal): Promise<ProjectorState> {
    const known = this.#known;
    let [changeCount, rowCount] = [0, 0];
    const next = await this.store.inTransaction(async (db, tools) => {
      // Before anything else, so that a process that was replaced waits for nothing and writes nothing.
      await saveState(db, state);
      let { longestMs } = state;
      for (const changes of batches) {
        const startMs = this.clock.now();
        const written = await project(db, tools, changes, { known });
        // If the transaction fails, all that is known is forgotten.
        known.keep(written);
        longestMs = Math.max(longestMs, written.longestMs);
        changeCount += changes.length;
        rowCount += written.written.length;
        // Not after the last one, since the transaction locks what another process would need.
        if (changes !== batches.at(-1)) await this.#giveWay(this.clock.now() - startMs, signal);
      }
      if (longestMs > state.longestMs) await saveState(db, { ...state, longestMs });
      return { ...state, longestMs };
    });
    this.metrics.projected(changeCount, rowCount);
    return next;
  }

  /** Callbacks and other requests take turns with batches. */
  #giveWay(tookMs: number, signal: AbortSignal): Promise<void> {
    return delay(this.clock, Math.min(tookMs, MAX_TURN_MS), signal);
  }
}
