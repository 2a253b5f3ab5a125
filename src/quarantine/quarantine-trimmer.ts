// Keeps the quarantine within its limits. Runs on every node; trimming is idempotent.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import { type QuarantineLimits, type QuarantineStore, StoreUnavailableError } from '../storage/ports.js';
import { QUARANTINE_STORE } from '../storage/tokens.js';

/** After a write. Trimming adds up the sizes of all callbacks, so it does not follow every write. */
const DELAY_MS = 1_000;
/** For those that become too old. */
const PERIOD_MS = 60_000;

export const QUARANTINE_LIMITS = Symbol('QuarantineLimits');

export interface QuarantineSettings extends Omit<QuarantineLimits, 'oldestMs'> {
  readonly retentionMs: number;
}

@Injectable()
export class QuarantineTrimmer {
  #cancel = () => {};
  #isDueSoon = false;
  #isStopped = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(
    @Inject(QUARANTINE_STORE) private readonly store: QuarantineStore,
    @Inject(QUARANTINE_LIMITS) private readonly settings: QuarantineSettings,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** Trims now, and then periodically. */
  start(): void {
    this.#isDueSoon = false;
    const trimmed = this.#ended.then(() => this.#trim());
    this.#ended = trimmed;
    void trimmed.then(() => {
      if (!this.#isStopped && !this.#isDueSoon) this.#schedule(PERIOD_MS);
    });
  }

  /** To be called whenever callbacks were added. */
  trimSoon(): void {
    if (this.#isDueSoon || this.#isStopped) return;
    this.#isDueSoon = true;
    this.#schedule(DELAY_MS);
  }

  /** Resolves when trimming has stopped. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#ended;
  }

  #schedule(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.clock.after(delayMs, () => this.start());
  }

  async #trim(): Promise<void> {
    const { retentionMs, ...limits } = this.settings;
    try {
      const oldestMs = this.clock.now() - retentionMs;
      while (!this.#isStopped && (await this.store.trim({ ...limits, oldestMs }))) await new Promise<void>(onTickEnd);
    } catch (error) {
      // It has been logged, by the store or by its connection.
      if (!(error instanceof StoreUnavailableError)) this.log.error({ err: error }, 'the quarantine cannot be trimmed');
    }
  }
}
