// Derives events about tags and rules on the process that delivers webhooks, as long as an endpoint wants any.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { FeedReader } from '../../feed/feed-reader.js';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { delay } from '../../runtime/delay.js';
import { type FeedStore, type PresenceIndex, StoreUnavailableError } from '../../storage/ports.js';
import { FEED_STORE, OCCUPANCY_EVENT_STORE, PRESENCE_INDEX } from '../../storage/tokens.js';
import type { OccupancyEventStore } from '../../storage/webhook-ports.js';
import type { Endpoint } from '../endpoint.js';
import { Endpoints } from '../endpoints.js';
import type { EventLog } from './event-log.js';
import { OccupancyCounts } from './occupancy-counts.js';
import { wantsType } from './occupancy-event.js';
import { OccupancyMetrics } from './occupancy-metrics.js';
import { Rules } from './rules.js';
import { Tracking, type Wanted } from './tracking.js';

export const VACATED_DELAY_MS = Symbol('VacatedDelayMs');

/** Between two looks at the feed: changes that come in meanwhile are followed together. */
const PAUSE_MS = 250;
/** Without events that anybody wants, it only waits to be refreshed. */
const IDLE_MS = 3_600_000;
const RETRY_MS = 1_000;
/** Of an endpoint that was made since then, all changes are followed from its start on, even if no process could do so at once. */
const NEW_MS = 600_000;

/** Of one tenure of the lease. */
export interface TrackerTenure {
  readonly lease: { readonly name: string; readonly token: number };
  readonly signal: AbortSignal;
  readonly log: EventLog;
}

@Injectable()
export class OccupancyTracker {
  readonly #counts: OccupancyCounts;
  /** While it is followed. */
  #tracking: Tracking | undefined;
  #startMs = 0;
  #isWanted = false;
  /** Whether endpoints or rules have changed. */
  #mustRefresh = true;
  #wake = () => {};

  constructor(
    private readonly endpoints: Endpoints,
    private readonly rules: Rules,
    private readonly reader: FeedReader,
    private readonly metrics: OccupancyMetrics,
    @Inject(VACATED_DELAY_MS) private readonly vacatedDelayMs: number,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(PRESENCE_INDEX) index: PresenceIndex,
    @Inject(OCCUPANCY_EVENT_STORE) private readonly store: OccupancyEventStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly logger: Logger,
  ) {
    this.#counts = new OccupancyCounts(index);
    rules.onChanged(() => this.refresh());
    metrics.showLag(() => this.#lagMs());
  }

  /** To be called when an endpoint or a rule has changed. */
  refresh(): void {
    this.#mustRefresh = true;
    this.#wake();
  }

  /** Ends when the signal is aborted or the lease is lost. Does not reject. */
  async run(tenure: TrackerTenure): Promise<void> {
    const { signal } = tenure;
    while (!signal.aborted) {
      try {
        this.#startMs = this.clock.now();
        if (!(await this.#follow(tenure))) break;
      } catch (error) {
        // The store logs itself when it is unavailable.
        if (!(error instanceof StoreUnavailableError))
          this.logger.error({ err: error }, 'occupancy cannot be followed');
        await delay(this.clock, RETRY_MS, signal);
      }
    }
    this.#tracking = undefined;
    this.#isWanted = false;
  }

  /** Resolves with false if the lease is lost. */
  async #follow(tenure: TrackerTenure): Promise<boolean> {
    const { signal } = tenure;
    const tracking = await this.#load(tenure);
    this.#tracking = tracking;
    this.#mustRefresh = true;
    while (!signal.aborted) {
      if (this.#mustRefresh) {
        this.#mustRefresh = false;
        if (!(await this.#apply(tracking))) return false;
      }
      const outcome = this.#isWanted ? await tracking.step() : 'up-to-date';
      if (outcome === 'lost') return false;
      if (outcome === 'up-to-date') await this.#pause(signal);
    }
    return true;
  }

  #load({ lease, log }: TrackerTenure): Promise<Tracking> {
    const { reader, feed, store, clock, logger, vacatedDelayMs } = this;
    const onDerived = this.metrics.derived.bind(this.metrics);
    const shared = { reader, feed, store, clock, logger, vacatedDelayMs, onDerived };
    return Tracking.load({ ...shared, counts: this.#counts, lease, log });
  }

  /** Resolves with false if the lease is lost. */
  async #apply(tracking: Tracking): Promise<boolean> {
    const { items } = await this.endpoints.list();
    const endpoints = items.map(({ value }) => value);
    const wanted = wantedBy(endpoints, this.clock.now() - NEW_MS);
    const rules = wanted.areRules ? (await this.rules.list()).items.map(({ value }) => value) : [];
    const isDone = await tracking.want({ ...wanted, rules });
    this.#isWanted = wanted.areTags || rules.length > 0;
    return isDone;
  }

  /** Until it is refreshed or, if events are wanted, there may be more changes. */
  async #pause(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (this.#mustRefresh) return;
    await delay(this.clock, this.#isWanted ? PAUSE_MS : IDLE_MS, AbortSignal.any([signal, woken.signal]));
  }

  #lagMs(): number | undefined {
    if (!this.#isWanted) return undefined;
    return Math.max(this.clock.now() - (this.#tracking?.readUntilMs ?? this.#startMs), 0);
  }
}

/** `newSinceMs`: endpoints made since then may not have been noticed before. */
function wantedBy(endpoints: readonly Endpoint[], newSinceMs: number): Omit<Wanted, 'rules'> & { areRules: boolean } {
  const wanting = (...types: Parameters<typeof wantsType>[1][]) =>
    endpoints.filter(({ filter }) => types.some((type) => wantsType(filter, type)));
  const ofTags = wanting('tag.occupied', 'tag.vacated');
  const [first] = ofTags
    .filter(({ createdAtMs }) => createdAtMs >= newSinceMs)
    .sort((a, b) => a.createdAtMs - b.createdAtMs);
  return {
    areTags: ofTags.length > 0,
    tagsFrom: first?.start,
    areRules: wanting('occupancy.alert', 'occupancy.ok').length > 0,
  };
}
