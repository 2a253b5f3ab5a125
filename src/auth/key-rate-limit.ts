import type { IncomingMessage } from 'node:http';
import { MinuteCounter } from './minute-counter.js';

/** The remaining quota of a key in the current minute. */
export interface Allowance {
  readonly isExceeded: boolean;
  readonly resetS: number;
  /** draft-ietf-httpapi-ratelimit-headers, in the form most clients support. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Limits the requests of each key per minute. */
export class KeyRateLimit {
  readonly #counts = new MinuteCounter();
  readonly #counted = new WeakMap<IncomingMessage, Allowance>();

  constructor(private readonly perMinute: number) {}

  /** Counts a request once, even if it is passed here several times. */
  count(request: IncomingMessage, keyName: string, nowMs: number): Allowance {
    const known = this.#counted.get(request);
    if (known) return known;
    const { count, resetS } = this.#counts.add(keyName, nowMs);
    const allowance = {
      isExceeded: count > this.perMinute,
      resetS,
      headers: {
        'ratelimit-limit': String(this.perMinute),
        'ratelimit-remaining': String(Math.max(0, this.perMinute - count)),
        'ratelimit-reset': String(resetS),
      },
    };
    this.#counted.set(request, allowance);
    return allowance;
  }
}
