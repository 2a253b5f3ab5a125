import { MinuteCounts } from '../../auth/minute-counts.js';
import { ProblemError } from '../../http/problem.js';

/** URLs counted at once: as many as are used within a minute by a large deployment. */
const MOST_URLS = 100_000;

/** How many callbacks each minted URL may receive within a minute, in this process alone. */
export class CallbackUrlLimit {
  readonly #counts = new MinuteCounts(MOST_URLS);

  /** `perMinute`: 0 for no limit. */
  constructor(private readonly perMinute: number) {}

  /** `ref`: of the URL. Throws a problem for a callback too many. */
  count(ref: string, nowMs: number): void {
    if (this.perMinute === 0) return;
    const { count, resetS } = this.#counts.add(ref, nowMs);
    if (count <= this.perMinute) return;
    throw new ProblemError(
      'too-many-requests',
      { detail: 'Too many callbacks to this URL within a minute.', headers: { 'retry-after': String(resetS) } },
      { reason: 'too-many-callbacks', facts: { ref } },
    );
  }
}
