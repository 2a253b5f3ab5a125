// Time, as something that is handed in: the rules depend on it, and tests want to set it.

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls once after that long; returns how to call it off. Keeps no process alive. */
  after(delayMs: number, call: () => void): () => void;
}

/** setTimeout fires at once when asked to wait longer. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** For injection. */
export const CLOCK = Symbol('Clock');

export const systemClock: Clock = {
  now: Date.now,
  after(delayMs, call) {
    const timer = setTimeout(call, Math.min(delayMs, LONGEST_TIMEOUT_MS)).unref();
    return () => clearTimeout(timer);
  },
};
