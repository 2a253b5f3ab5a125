// Reads the change feed and writes it to the tables of history: one process at a time, the one that holds the lease. If its
// position is no longer in the feed, it records the gap and reads the records of all participants instead.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Change } from '../domain/change.js';
import { FeedReader } from '../feed/feed-reader.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import { type HeldLease, LeaseHolder } from '../storage/lease-holder.js';
import type { LeaseStore } from '../storage/ports.js';
import { LEASE_STORE } from '../storage/tokens.js';
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
/** Entries of the feed in one transaction: on SQLite, writing them blocks the event loop for about 10 ms. */
const BATCH_SIZE = 512;
/** At the end of the feed: changes that arrive meanwhile are written together. */
const PAUSE_MS = 500;
/** While there is more to do, callbacks and other requests take turns with batches. */
const MAX_TURN_MS = 10;
const RETRY_MS = 1_000;
/** How often it is noted that everything was read, while there are no changes. */
const NOTE_MS = 10_000;

@Injectable()
export class Projector {
  readonly #lease: LeaseHolder;
  #state: ProjectorState | undefined;
  readonly #known = new LastConnections();
  readonly #startMs: number;
  /** When it was last stored until when everything was read. */
  #notedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: HistoryStore,
    private readonly reader: FeedReader,
    private readonly rebuild: Rebuild,
    private readonly pruner: Pruner,
    private readonly metrics: HistoryMetrics,
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
        // The store of presence or the database is away, which is logged elsewhere.
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
      const isUpToDate = await this.#step(signal);
      const pruned = isUpToDate ? await this.pruner.run() : 0;
      if (pruned > 0) this.#known.clear();
      const isIdle = isUpToDate && pruned === 0;
      await delay(this.clock, isIdle ? PAUSE_MS : Math.min(this.clock.now() - startMs, MAX_TURN_MS), signal);
    }
  }

  /** Resolves with whether the end of the feed was reached. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const state = this.#state as ProjectorState;
    const startMs = this.clock.now();
    const batch = state.position && (await this.reader.batch(state.position, BATCH_SIZE));
    if (batch === null) {
      this.#known.clear();
      this.#state = await this.rebuild.run(state, signal);
      return false;
    }
    const { changes, position, isLast } = batch;
    const next = { ...state, position, readUntilMs: isLast ? startMs : state.readUntilMs };
    const mustWrite = changes.length > 0 || startMs - this.#notedAtMs >= NOTE_MS;
    this.#state = mustWrite ? await this.#write(changes, next) : next;
    if (mustWrite) this.#notedAtMs = startMs;
    return isLast;
  }

  async #write(changes: readonly Change[], state: ProjectorState): Promise<ProjectorState> {
    const known = this.#known;
    const [batch, next] = await this.store.inTransaction(async (db, tools) => {
      // Before anything else, so that a process that was replaced waits for nothing and writes nothing.
      await saveState(db, state);
      const written = await project(db, tools, changes, { known });
      const longestMs = Math.max(state.longestMs, written.longestMs);
      if (longestMs > state.longestMs) await saveState(db, { ...state, longestMs });
      return [written, { ...state, longestMs }] as const;
    });
    known.keep(batch);
    this.metrics.projected(changes.length, batch.written.length);
    return next;
  }
}
