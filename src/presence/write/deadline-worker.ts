// Makes time pass for presence: grace, leave grace, longest connection and retention take effect with no event.
// It asks the store what is due and has the recorder look at it. Any number of nodes may: of two that find the same
// record due, one commits and the other then finds nothing left to do.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import type { RecordStore } from '../../storage/ports.js';
import { RECORD_STORE } from '../../storage/tokens.js';
import { Recorder } from './recorder.js';

/** A commit takes Redis a millisecond or two, and callbacks wait that long at the most. */
const ROUND_SIZE = 128;
/** Deadlines that another node set, and then did not live to see, are found within this time. */
const LONGEST_SLEEP_MS = 400;
/** Without a round that ended for this long, the worker is not alive. */
const STALLED_MS = 10_000;
/** A record that is not there, or cannot be read, stays due; it is not to keep the others waiting. */
const STUCK_FOR_MS = 60_000;
/** So many of them, and something is wrong with the store. */
const MAX_STUCK = 10_000;

@Injectable()
export class DeadlineWorker {
  readonly #records: RecordStore;
  readonly #recorder: Recorder;
  readonly #clock: Clock;
  readonly #log: Logger;
  #lastRoundMs = 0;
  #isFailing = false;
  /** Until when each is left alone. */
  readonly #stuck = new Map<SubjectKey, number>();
  /** The earliest deadline reported since the last round asked for those due. */
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

  /** Resolves when no round is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#ended;
  }

  /** Whether rounds come to an end, can ask for what is due, and get on with it. */
  isAlive(): boolean {
    const isStalled = this.#clock.now() - this.#lastRoundMs >= STALLED_MS;
    return !this.#isStopped && !this.#isFailing && !isStalled && this.#stuck.size < MAX_STUCK;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const nextMs = await this.#round();
      this.#lastRoundMs = this.#clock.now();
      await this.#sleepUntil(Math.min(nextMs, this.#earliestMs, this.#clock.now() + LONGEST_SLEEP_MS));
    }
  }

  /** When the next round is needed. */
  async #round(): Promise<number> {
    this.#earliestMs = Number.POSITIVE_INFINITY;
    try {
      const nowMs = this.#clock.now();
      for (const [key, untilMs] of this.#stuck) if (untilMs <= nowMs) this.#stuck.delete(key);
      const { keys, nextDueMs } = await this.#records.due(nowMs, ROUND_SIZE + this.#stuck.size);
      const due = keys.filter((key) => !this.#stuck.has(key)).slice(0, ROUND_SIZE);
      const stuck = await this.#recorder.revisit(due);
      for (const key of stuck) this.#stuck.set(key, nowMs + STUCK_FOR_MS);
      if (this.#isFailing) this.#log.info('deadlines are kept again');
      this.#isFailing = false;
      return due.length === ROUND_SIZE ? this.#clock.now() : (nextDueMs ?? Number.POSITIVE_INFINITY);
    } catch (error) {
      if (!this.#isFailing) this.#log.error({ reason: (error as Error).message }, 'deadlines cannot be kept');
      this.#isFailing = true;
      this.#earliestMs = Number.POSITIVE_INFINITY;
      return Number.POSITIVE_INFINITY;
    }
  }

  /** Or until a deadline is set that is earlier. */
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
