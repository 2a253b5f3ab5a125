import { MinuteCounter } from '../../auth/minute-counter.js';
import { ProblemError } from '../../http/problem.js';
import type { Clock } from '../../runtime/clock.js';

/**
 * Limits the new participants of each callback secret per minute, including those of the URLs it minted, in this process
 * only. It bounds how fast a leaked secret can fill the store.
 */
export class NewParticipantLimit {
  readonly #counts = new MinuteCounter();

  /** `perMinute`: 0 for no limit. */
  constructor(
    private readonly perMinute: number,
    private readonly clock: Clock,
  ) {}

  /** Counts a new participant; returns a problem if the limit is exceeded. `secretNumber`: undefined without a secret, which is not counted. */
  admit(secretNumber: number | undefined): ProblemError | undefined {
    if (this.perMinute === 0 || secretNumber === undefined) return undefined;
    const { count, resetS } = this.#counts.add(String(secretNumber), this.clock.now());
    if (count <= this.perMinute) return undefined;
    return new ProblemError(
      'too-many-requests',
      {
        detail: 'This callback secret has reached its limit of new participants per minute.',
        headers: { 'retry-after': String(resetS) },
      },
      { reason: 'too-many-new-participants', logFields: { secretNumber } },
    );
  }
}
