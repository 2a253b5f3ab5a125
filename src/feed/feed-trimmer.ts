// Keeps the feed within its limits. Every node does it; what one has dropped, another no longer finds.
import type { Logger } from 'pino';
import type { Clock } from '../runtime/clock.js';
import { atTurnsEnd } from '../runtime/tick-batch.js';
import type { FeedLimits, PresenceStore } from '../storage/ports.js';

const PERIOD_MS = 5_000;

export class FeedTrimmer {
  readonly #store: PresenceStore;
  readonly #limits: FeedLimits;
  readonly #clock: Clock;
  readonly #log: Logger;
  #cancel = () => {};
  #isStopped = false;
  #isFailing = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(store: PresenceStore, limits: FeedLimits, clock: Clock, log: Logger) {
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#ended = this.#trim();
    void this.#ended.then(() => {
      if (!this.#isStopped) this.#cancel = this.#clock.after(PERIOD_MS, () => this.start());
    });
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#ended;
  }

  async #trim(): Promise<void> {
    try {
      while (!this.#isStopped && (await this.#store.trim(this.#limits))) await new Promise<void>(atTurnsEnd);
      if (this.#isFailing) this.#log.info('the change feed can be trimmed again');
      this.#isFailing = false;
    } catch (error) {
      // It grows meanwhile, beyond every limit.
      if (!this.#isFailing) this.#log.error({ reason: (error as Error).message }, 'the change feed cannot be trimmed');
      this.#isFailing = true;
    }
  }
}
