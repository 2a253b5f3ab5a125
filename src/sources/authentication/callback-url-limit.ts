import type { IncomingMessage } from 'node:http';
import { MinuteCounts } from '../../auth/minute-counts.js';

/** URLs counted at once: as many as are used within a minute by a large deployment. */
const MOST_URLS = 100_000;

/** How many callbacks each minted URL may receive within a minute, in this process alone. */
export class CallbackUrlLimit {
  readonly #counts = new MinuteCounts(MOST_URLS);
  readonly #counted = new WeakMap<IncomingMessage, number>();

  /** `perMinute`: 0 for no limit. */
  constructor(private readonly perMinute: number) {}

  /** Seconds until the URL may be used again; 0: now. A request counts once, by however many ways it comes. */
  waitS(request: IncomingMessage, ref: string, nowMs: number): number {
    if (this.perMinute === 0) return 0;
    const known = this.#counted.get(request);
    if (known !== undefined) return known;
    const { count, resetS } = this.#counts.add(ref, nowMs);
    const waitS = count > this.perMinute ? resetS : 0;
    this.#counted.set(request, waitS);
    return waitS;
  }
}
