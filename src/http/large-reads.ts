// Responses with many items are made a few at a time: each holds its records and its text in memory until it is complete, and
// one client may ask for hundreds of them at once.
import { overloadedProblem } from './problem.js';

/** One waits for the store while the text of the other is made. */
const MOST_AT_ONCE = 2;
/** Up to so many items it takes no longer than a turn of the event loop may, and waits for nobody. */
const FEW_ITEMS = 128;
/** More would wait for seconds, and nothing else limits them once their clients have gone. */
const MOST_WAITING = 200;

export class LargeReads {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `read` is called when there is room for it, in order. `items`: of how many it may be. Rejects with a problem when too many wait. */
  async run<T>(items: number, read: () => Promise<T>): Promise<T> {
    if (items <= FEW_ITEMS) return read();
    if (this.#running < MOST_AT_ONCE) this.#running += 1;
    else if (this.#waiting.length >= MOST_WAITING) throw overloadedProblem();
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await read();
    } finally {
      const next = this.#waiting.shift();
      // The one that waited takes the place of this one.
      if (next) next();
      else this.#running -= 1;
    }
  }
}
