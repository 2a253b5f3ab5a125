// Reads that keep the process busy for milliseconds, like a page of the feed or a list of a thousand: one after another, with a
// rest after each. However many clients ask for them, callbacks are stored in between; and connections are accepted, of which
// Node takes one in each turn of the event loop.
import { setTimeout as wait } from 'node:timers/promises';
import { atTurnsEnd } from './tick-batch.js';

/** Reads, and what is made of them, take up to this part of the time. */
const SHARE = 1 / 2;
/** What takes less needs no rest but the turn's end. */
const SHORT_MS = 1;
const LONGEST_REST_MS = 50;

interface Waiting {
  readonly begin: () => void;
  readonly fail: (reason: unknown) => void;
}

export class PacedTurns {
  readonly #waiting: Waiting[] = [];
  #isTaken = false;

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * Calls `read` when it is its turn. What is made of the result at once belongs to the turn. Rejects as `read` does, or as the
   * one before did: the store is away, and those who wait need not find that out one after another.
   */
  async take<T>(read: () => Promise<T>): Promise<T> {
    if (this.#isTaken) await new Promise<void>((begin, fail) => this.#waiting.push({ begin, fail }));
    this.#isTaken = true;
    const startMs = performance.now();
    try {
      return await read();
    } catch (error) {
      for (const { fail } of this.#waiting.splice(0)) fail(error);
      throw error;
    } finally {
      void this.#restAfter(startMs);
    }
  }

  async #restAfter(startMs: number): Promise<void> {
    await new Promise<void>(atTurnsEnd);
    const tookMs = performance.now() - startMs;
    if (tookMs > SHORT_MS) await wait(Math.min(tookMs / SHARE - tookMs, LONGEST_REST_MS));
    const next = this.#waiting.shift();
    if (next) next.begin();
    else this.#isTaken = false;
  }
}
