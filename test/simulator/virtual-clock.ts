import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../simulator/clock.js';

/** A clock for simulated time: whenever nothing else is left to do, it jumps to the time of the next call. */
export class VirtualClock implements Clock {
  #nowMs = 1_790_000_000_000;
  readonly #calls = new Set<{ dueMs: number; call: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const entry = { dueMs: this.#nowMs + delayMs, call };
    this.#calls.add(entry);
    return () => void this.#calls.delete(entry);
  }

  pass(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Advances the time until the work is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    for (;;) {
      await setImmediate();
      if (isDone) return done;
      const [next] = [...this.#calls].sort((a, b) => a.dueMs - b.dueMs);
      if (!next) continue;
      this.#calls.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.call();
    }
  }
}
