// Reads the change feed and writes it to the tables of history: one process at a time, the one that holds the lease. If its
// position is no longer in the feed, it records the gap and reads the records of all participants instead.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { FeedReader } from '../feed/feed-reader.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import { type HeldLease, LeaseHolder } from '../storage/lease-holder.js';
import type { LeaseStore } from '../storage/ports.js';
import { LEASE_STORE } from '../storage/tokens.js';
import { HistoryMetrics } from './history-metrics.js';
import { HistoryStore, NotTheProjectorError } from './history-store.js';
import { project } from './projection.js';
import { type ProjectorState, saveState, takeToken } from './projector-state.js';
import { Pruner } from './pruner.js';
import { Rebuild } from './rebuild.js';

const LEASE = 'history';
/** Another process takes over within this time and a third of it. */
const LEASE_TTL_MS = 10_000;
/** Changes that arrive meanwhile are written together. */
const PAUSE_MS = 250;
const RETRY_MS = 1_000;
/** How often it is noted that everything was read, while there are no changes. */
const NOTE_MS = 60_000;

@Injectable()
export class Projector {
  readonly #lease: LeaseHolder;
  #state: ProjectorState | undefined;
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
        this.#state = await this.store.use(({ db }) => takeToken(db));
        await this.#run(signal);
      } catch (error) {
        // The store of presence or the database is away, which is logged elsewhere.
        this.log.debug({ reason: (error as Error).message }, 'history cannot be written');
        const isReplaced = error instanceof NotTheProjectorError;
        await delay(this.clock, isReplaced ? LEASE_TTL_MS : RETRY_MS, signal);
      }
    }
    this.#state = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isUpToDate = await this.#step(signal);
      if (!isUpToDate) continue;
      await this.pruner.run();
      await delay(this.clock, PAUSE_MS, signal);
    }
  }

  /** Resolves with whether the end of the feed was reached. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const state = this.#state as ProjectorState;
    const startMs = this.clock.now();
    const page = state.position && (await this.reader.page(state.position));
    if (page === null) {
      this.#state = await this.rebuild.run(state, signal);
      return false;
    }
    if (page.changes.length === 0 && startMs - this.#notedAtMs < NOTE_MS) {
      this.#state = { ...state, position: page.position, readUntilMs: startMs };
      return true;
    }
    const readUntilMs = page.isLast ? startMs : state.readUntilMs;
    const { next, rows } = await this.store.inTransaction(async (db) => {
      // Before anything else, so that a process that was replaced waits for nothing and writes nothing.
      await saveState(db, { ...state, position: page.position, readUntilMs });
      const { rows, longestMs } = await project(
        db,
        page.changes.map(({ change }) => change),
      );
      const next = { ...state, position: page.position, readUntilMs, longestMs: Math.max(state.longestMs, longestMs) };
      if (next.longestMs > state.longestMs) await saveState(db, next);
      return { next, rows };
    });
    this.#state = next;
    this.#notedAtMs = startMs;
    this.metrics.projected(page.changes.length, rows);
    return page.isLast;
  }
}
