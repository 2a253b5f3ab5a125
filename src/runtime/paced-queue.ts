// Runs expensive reads, such as a page of the feed or a list of a thousand participants, one at a time with a pause after
// each. However many clients send them, the process still has time to store callbacks and to accept connections, which
// Node does one per event loop iteration.
import { setTimeout as wait } from 'node:timers/promises';
import { onTickEnd } from './tick-batch.js';

/** Reads and building their responses take up to this share of the time. */
const SHARE = 1 / 2;
/** Shorter reads need no pause beyond the end of the tick. */
const SHORT_MS = 1;
const MAX_PAUSE_MS = 50;

interface Waiting {
  readonly start: () => void;
  readonly fail: (reason: unknown) => void;
}

export class PacedQueue {
  readonly #waiting: Waiting[] = [];
  #isRunning = false;

  /** `isOfAll`: whether an error concerns all reads, as when the store is unavailable. */
  constructor(private readonly isOfAll: (error: unknown) => boolean) {}

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * Calls `read` when all earlier reads are done. Synchronous work on its result counts as part of the read. Rejects with the
   * error of `read`, or with that of an earlier one that concerns all reads: they fail at once instead of one by one.
   */
  async run<T>(read: () => Promise<T>): Promise<T> {
    if (this.#isRunning) await new Promise<void>((start, fail) => this.#waiting.push({ start, fail }));
    this.#isRunning = true;
    const startMs = performance.now();
    try {
      return await read();
    } catch (error) {
      if (this.isOfAll(error)) for (const { fail } of this.#waiting.splice(0)) fail(error);
      throw error;
    } finally {
      void this.#pauseAfter(startMs);
    }
  }

  async #pauseAfter(startMs: number): Promise<void> {
    await new Promise<void>(onTickEnd);
    const tookMs = performance.now() - startMs;
    if (tookMs > SHORT_MS) await wait(Math.min(tookMs / SHARE - tookMs, MAX_PAUSE_MS));
    const next = this.#waiting.shift();
    if (next) next.start();
    else this.#isRunning = false;
  }
}
