import { MinuteCounts } from '../../auth/minute-counts.js';
import { ProblemError } from '../../http/problem.js';
import type { Clock } from '../../runtime/clock.js';

/**
 * How many new participants each callback secret may bring within a minute, the URLs that it minted included, in this
 * process alone. What a leaked secret can store is then limited in time, too.
 */
export class NewParticipantLimit {
  readonly #counts = new MinuteCounts();

  /** `perMinute`: 0 for no limit. */
  constructor(
    private readonly perMinute: number,
    private readonly clock: Clock,
  ) {}

  /** Counts a new participant. `secretNumber`: undefined of a callback that needed no secret, which is not counted. */
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
      { reason: 'too-many-new-participants', facts: { secretNumber } },
    );
  }
}
