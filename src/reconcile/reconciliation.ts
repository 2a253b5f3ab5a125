// Reconciliation of presence with what the providers say (docs/reconciliation.md): one process at a time polls their lists and asks
// about participants in doubt.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { FeedHub } from '../feed/feed-hub.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import type { ObservedSource } from '../sources/registry.js';
import { type HeldLease, LeaseHolder } from '../storage/lease-holder.js';
import type { FeedStore, LeaseStore, PresenceIndex } from '../storage/ports.js';
import { FEED_STORE, LEASE_STORE, PRESENCE_INDEX } from '../storage/tokens.js';
import { Doubts } from './doubts.js';
import { Lookups } from './lookups.js';
import { ObservationRecorder } from './observation-recorder.js';
import { Poller } from './poller.js';
import { ReconciliationMetrics } from './reconciliation-metrics.js';
import { type Direction, decodeStates, encodeStates, NEW_STATE, type SourceState } from './source-state.js';

const LEASE = 'reconciliation';
const SAVE_MS = 1_000;

export const RECONCILIATION = Symbol('ReconciliationSettings');

export interface ReconciliationSettings {
  /** 0: off. */
  readonly intervalMs: number;
  readonly sources: readonly ObservedSource[];
}

@Injectable()
export class Reconciliation {
  readonly #lease: LeaseHolder;
  #states = new Map<string, SourceState>();
  /** Whether corrections will be stored in a moment. */
  #isSaveDue = false;

  constructor(
    @Inject(RECONCILIATION) private readonly settings: ReconciliationSettings,
    private readonly recorder: ObservationRecorder,
    private readonly hub: FeedHub,
    private readonly metrics: ReconciliationMetrics,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(PRESENCE_INDEX) private readonly index: PresenceIndex,
    @Inject(LEASE_STORE) private readonly leases: LeaseStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#lease = new LeaseHolder(LEASE, { leases, clock, log });
    for (const { name } of settings.sources) metrics.addSource(name);
    metrics.showStates(settings.intervalMs, () => this.#polledStates());
  }

  start(): void {
    const { intervalMs, sources } = this.settings;
    if (intervalMs > 0 && sources.length > 0) this.#lease.start((lease) => this.#work(lease));
  }

  /** Resolves when nothing is in progress any more. */
  async stop(): Promise<void> {
    await this.#lease.stop();
  }

  /** As stored by whichever process holds the lease. Rejects with StoreUnavailableError. */
  async states(): Promise<ReadonlyMap<string, SourceState>> {
    return decodeStates(await this.leases.note(LEASE));
  }

  #polledStates(): ReadonlyMap<string, SourceState> {
    if (!this.#lease.isHolding) return new Map();
    const polled = this.settings.sources.filter(isPolled);
    return new Map(polled.map(({ name }) => [name, this.#states.get(name) ?? NEW_STATE]));
  }

  async #work(lease: HeldLease): Promise<void> {
    const { signal } = lease;
    const { recorder, clock, log, metrics, hub, feed, index } = this;
    const { intervalMs } = this.settings;
    const known = decodeStates(lease.note);
    this.#states = new Map(this.settings.sources.map(({ name }) => [name, known.get(name) ?? NEW_STATE]));
    const asked = this.settings.sources.map((source) => {
      const onCorrection = (direction: Direction) => this.#correct(source, direction, lease);
      const parts = { source, recorder, clock, log, metrics, signal, onCorrection };
      return { source, lookups: new Lookups(parts), parts };
    });
    const polls = asked
      .filter(({ source }) => isPolled(source))
      .map(({ source, lookups, parts }) => {
        const update = (change: (state: SourceState) => SourceState) => this.#update(source, change, lease);
        const poller = new Poller({ ...parts, intervalMs, index, lookups, update });
        return poller.run(this.#states.get(source.name)?.lastPoll?.startedAtMs);
      });
    const doubts = new Doubts({ feed, hub, recorder, clock, log, signal }, asked);
    await Promise.all([...polls, doubts.run()]);
    await Promise.all(asked.map(({ lookups }) => lookups.ended()));
  }

  #correct({ name }: ObservedSource, direction: Direction, lease: HeldLease): void {
    this.metrics.corrected(name, direction);
    const state = this.#states.get(name) ?? NEW_STATE;
    const corrections = { ...state.corrections, [direction]: state.corrections[direction] + 1 };
    this.#states.set(name, { ...state, corrections });
    if (!this.#isSaveDue) void this.#saveSoon(lease);
  }

  /** Many participants may be corrected at the same time. */
  async #saveSoon(lease: HeldLease): Promise<void> {
    this.#isSaveDue = true;
    await delay(this.clock, SAVE_MS, lease.signal);
    this.#isSaveDue = false;
    if (!lease.signal.aborted) await this.#save(lease);
  }

  async #update(
    { name }: ObservedSource,
    change: (state: SourceState) => SourceState,
    lease: HeldLease,
  ): Promise<void> {
    this.#states.set(name, change(this.#states.get(name) ?? NEW_STATE));
    await this.#save(lease);
  }

  async #save({ saveNote }: HeldLease): Promise<void> {
    // The store is unavailable, which it logs itself: the next poll stores it.
    await saveNote(encodeStates(this.#states)).catch(() => {});
  }
}

function isPolled({ observer }: ObservedSource): boolean {
  return observer.list !== undefined;
}
