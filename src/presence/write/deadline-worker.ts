// Applies the effects of elapsed time: the ends of grace, leave grace and retention, and the expiry of connections.
// Claims participants that are due and lets the recorder re-evaluate them. Any number of nodes share this work: each claims a part
// of it, and takes over what a node that has crashed had claimed. If two work on the same record all the same, one commits and
// the other finds nothing left to do.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import type { RecordStore } from '../../storage/ports.js';
import { RECORD_STORE } from '../../storage/tokens.js';
import { Recorder } from './recorder.js';

/** Redis takes a millisecond or two to commit this many; callbacks wait that long. */
const ROUND_SIZE = 128;
/** More than an update may take (update-queue.ts). What a crashed node had claimed is processed this much later. */
const CLAIM_MS = 3_000;
/** Deadlines set by a node that has since crashed are found within this time. */
const MAX_SLEEP_MS = 400;
/** The worker is not alive if no round has ended for this long. */
const STALLED_MS = 10_000;
/** A missing or unreadable record stays due. Skip it for a while, so that it does not delay the others. */
const SKIP_MS = 60_000;
/** More than a few damaged records: something is wrong with the store. */
const MAX_SKIPPED = 10_000;

@Injectable()
export class DeadlineWorker {
  readonly #records: RecordStore;
  readonly #recorder: Recorder;
  readonly #clock: Clock;
  readonly #log: Logger;
  #lastRoundMs = 0;
  #isFailing = false;
  readonly #skippedUntilMs = new Map<SubjectKey, number>();
  /** The earliest deadline reported since the last round began. */
  #earliestMs = Number.POSITIVE_INFINITY;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};
  #isStopped = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(
    @Inject(RECORD_STORE) records: RecordStore,
    recorder: Recorder,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    this.#records = records;
    this.#recorder = recorder;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#lastRoundMs = this.#clock.now();
    this.#recorder.onDeadline((dueMs) => {
      this.#earliestMs = Math.min(this.#earliestMs, dueMs);
      if (dueMs < this.#wakeAtMs) this.#wake();
    });
    this.#ended = this.#run();
  }

  /** Resolves when the current round has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#ended;
  }

  /** Whether rounds complete, without errors, and most due records can be read. */
  isAlive(): boolean {
    const isStalled = this.#clock.now() - this.#lastRoundMs >= STALLED_MS;
    return !this.#isStopped && !this.#isFailing && !isStalled && this.#skippedUntilMs.size < MAX_SKIPPED;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const nextMs = await this.#round();
      this.#lastRoundMs = this.#clock.now();
      await this.#sleepUntil(Math.min(nextMs, this.#earliestMs, this.#clock.now() + MAX_SLEEP_MS));
    }
  }

  /** Returns the time at which the next round is needed. */
  async #round(): Promise<number> {
    this.#earliestMs = Number.POSITIVE_INFINITY;
    try {
      const nowMs = this.#clock.now();
      for (const [key, untilMs] of this.#skippedUntilMs) if (untilMs <= nowMs) this.#skippedUntilMs.delete(key);
      const limit = ROUND_SIZE + this.#skippedUntilMs.size;
      const { keys, nextDueMs } = await this.#records.claimDue({ nowMs, untilMs: nowMs + CLAIM_MS, limit });
      const due = keys.filter((key) => !this.#skippedUntilMs.has(key));
      const unreadable = await this.#recorder.reevaluate(due);
      for (const key of unreadable) this.#skippedUntilMs.set(key, nowMs + SKIP_MS);
      if (this.#isFailing) this.#log.info('deadlines are processed again');
      this.#isFailing = false;
      return nextDueMs ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!this.#isFailing) this.#log.error({ reason: (error as Error).message }, 'deadlines cannot be processed');
      this.#isFailing = true;
      this.#earliestMs = Number.POSITIVE_INFINITY;
      return Number.POSITIVE_INFINITY;
    }
  }

  /** Wakes up early if an earlier deadline is set. */
  async #sleepUntil(wakeAtMs: number): Promise<void> {
    const delayMs = wakeAtMs - this.#clock.now();
    if (delayMs <= 0 || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(delayMs, () => this.#wake());
      this.#wakeAtMs = wakeAtMs;
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#wake = () => {};
  }
}
