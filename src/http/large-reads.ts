// Builds responses with many items one at a time: each keeps its records and its text in memory until it is complete, and one
// client can request hundreds of them at once.
import { PacedQueue } from '../runtime/paced-queue.js';
import { overloadedProblem } from './problem.js';

/** Reads of up to this many items are short enough for one tick, and are not queued. */
const MAX_UNQUEUED_ITEMS = 128;
/** More would wait for seconds. No other limit applies to them once their clients have disconnected. */
const MAX_WAITING = 200;

export class LargeReads {
  readonly #queue: PacedQueue;

  /** `isOfAll`: as of PacedQueue. */
  constructor(isOfAll: (error: unknown) => boolean) {
    this.#queue = new PacedQueue(isOfAll);
  }

  /**
   * Calls `read` when all earlier large reads are done. `items`: the maximum number of items. Rejects with a problem when too
   * many reads are queued, and as PacedQueue does.
   */
  async run<T>(items: number, read: () => Promise<T>): Promise<T> {
    if (items <= MAX_UNQUEUED_ITEMS) return read();
    if (this.#queue.waitingCount >= MAX_WAITING) throw overloadedProblem();
    return this.#queue.run(read);
  }
}
