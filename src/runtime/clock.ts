// The clock as a dependency: the rules depend on the time, and tests control it.

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls `call` once after the delay; returns a function that cancels it. Does not keep the process alive. */
  after(delayMs: number, call: () => void): () => void;
}

/** setTimeout fires immediately for any longer delay. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** For injection. */
export const CLOCK = Symbol('Clock');

export const systemClock: Clock = {
  now: Date.now,
  after(delayMs, call) {
    const timer = setTimeout(call, Math.min(delayMs, MAX_TIMEOUT_MS)).unref();
    return () => clearTimeout(timer);
  },
};
