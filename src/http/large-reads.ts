// Responses with many items are made one after another: each holds its records and its text in memory until it is complete, and
// one client may ask for hundreds of them at once.
import { PacedTurns } from '../runtime/paced-turns.js';
import { overloadedProblem } from './problem.js';

/** Up to so many items it takes no longer than a turn of the event loop may, and waits for nobody. */
const FEW_ITEMS = 128;
/** More would wait for seconds, and nothing else limits them once their clients have gone. */
const MOST_WAITING = 200;

export class LargeReads {
  readonly #turns = new PacedTurns();

  /**
   * `read` is called when it is its turn. `items`: of how many it may be. Rejects with a problem when too many wait, and as a
   * read before it did.
   */
  async run<T>(items: number, read: () => Promise<T>): Promise<T> {
    if (items <= FEW_ITEMS) return read();
    if (this.#turns.waitingCount >= MOST_WAITING) throw overloadedProblem();
    return this.#turns.take(read);
  }
}
