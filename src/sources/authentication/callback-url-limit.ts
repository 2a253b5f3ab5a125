import { MinuteCounter } from '../../auth/minute-counter.js';
import { ProblemError } from '../../http/problem.js';

/** URLs counted at once: as many as a large deployment uses within a minute. */
const MAX_URLS = 100_000;

/** Limits the callbacks that each minted URL may receive per minute, in this process only. */
export class CallbackUrlLimit {
  readonly #counts = new MinuteCounter(MAX_URLS);

  /** `perMinute`: 0 for no limit. */
  constructor(private readonly perMinute: number) {}

  /** Throws a problem when the limit is exceeded. `ref`: of the URL. */
  count(ref: string, nowMs: number): void {
    if (this.perMinute === 0) return;
    const { count, resetS } = this.#counts.add(ref, nowMs);
    if (count <= this.perMinute) return;
    throw new ProblemError(
      'too-many-requests',
      { detail: 'Too many callbacks to this URL within a minute.', headers: { 'retry-after': String(resetS) } },
      { reason: 'too-many-callbacks', logFields: { ref } },
    );
  }
}
