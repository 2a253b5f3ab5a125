import type { Clock } from '../src/runtime/clock.js';

/** A clock that stands still until it is advanced. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #calls = new Set<{ dueMs: number; call: () => void }>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const entry = { dueMs: this.#nowMs + delayMs, call };
    this.#calls.add(entry);
    return () => void this.#calls.delete(entry);
  }

  /** Advances the clock and makes all calls that are due by then, in order. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    const dueNow = () => [...this.#calls].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
    for (let due = dueNow(); due.length > 0; due = dueNow()) {
      for (const entry of due.filter((one) => this.#calls.delete(one))) {
        this.#nowMs = Math.max(this.#nowMs, entry.dueMs);
        entry.call();
      }
    }
    this.#nowMs = endMs;
  }
}
