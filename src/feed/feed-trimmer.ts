// Keeps the feed within its limits. Runs on every node; trimming is idempotent.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import type { FeedLimits, FeedStore } from '../storage/ports.js';
import { FEED_STORE } from '../storage/tokens.js';

const PERIOD_MS = 5_000;
/** The store counts ages by a clock of its own. */
const CLOCK_DIFFERENCE_MS = 60_000;

export const FEED_LIMITS = Symbol('FeedLimits');

@Injectable()
export class FeedTrimmer {
  readonly #feed: FeedStore;
  readonly #limits: FeedLimits;
  readonly #clock: Clock;
  readonly #log: Logger;
  #neededSinceMs: () => Promise<number | undefined> = async () => undefined;
  #cancel = () => {};
  #isStopped = false;
  #isFailing = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(
    @Inject(FEED_STORE) feed: FeedStore,
    @Inject(FEED_LIMITS) limits: FeedLimits,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    this.#feed = feed;
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
  }

  /** Keeps what somebody needs, however old it is; undefined: nothing. The maximum size applies all the same. */
  keepSince(neededSinceMs: () => Promise<number | undefined>): void {
    this.#neededSinceMs = neededSinceMs;
  }

  start(): void {
    this.#ended = this.#trim();
    void this.#ended.then(() => {
      if (!this.#isStopped) this.#cancel = this.#clock.after(PERIOD_MS, () => this.start());
    });
  }

  /** Resolves when trimming has stopped. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#ended;
  }

  async #limitsNow(): Promise<FeedLimits> {
    const neededSinceMs = (await this.#neededSinceMs()) ?? Number.POSITIVE_INFINITY;
    const neededMs = this.#clock.now() - neededSinceMs + CLOCK_DIFFERENCE_MS;
    return { ...this.#limits, retentionMs: Math.max(this.#limits.retentionMs, neededMs) };
  }

  async #trim(): Promise<void> {
    try {
      const limits = await this.#limitsNow();
      while (!this.#isStopped && (await this.#feed.trim(limits))) await new Promise<void>(onTickEnd);
      if (this.#isFailing) this.#log.info('the change feed can be trimmed again');
      this.#isFailing = false;
    } catch (error) {
      // The feed grows without limit meanwhile.
      if (!this.#isFailing) this.#log.error({ reason: (error as Error).message }, 'the change feed cannot be trimmed');
      this.#isFailing = true;
    }
  }
}
