import type { IncomingMessage } from 'node:http';
import { MinuteCounts } from './minute-counts.js';

/** What a key may still ask for within this minute. */
export interface Allowance {
  readonly isSpent: boolean;
  readonly resetS: number;
  /** As clients of rate-limited services know them: draft-ietf-httpapi-ratelimit-headers. */
  readonly headers: Readonly<Record<string, string>>;
}

/** How many requests a key may make within a minute. */
export class KeyLimit {
  readonly #counts = new MinuteCounts();
  readonly #counted = new WeakMap<IncomingMessage, Allowance>();

  constructor(private readonly perMinute: number) {}

  /** A request counts once, by however many ways it comes. */
  count(request: IncomingMessage, keyName: string, nowMs: number): Allowance {
    const known = this.#counted.get(request);
    if (known) return known;
    const { count, resetS } = this.#counts.add(keyName, nowMs);
    const allowance = {
      isSpent: count > this.perMinute,
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
