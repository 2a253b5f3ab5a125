import { ProblemError } from '../http/problem.js';

const RETRY_AFTER_S = '5';

/** Limits concurrent streams and polls of the feed: each holds a connection and memory, or reads the feed. */
export class FollowerLimit {
  #count = 0;

  constructor(private readonly max: number) {}

  /** Throws a problem if the limit is reached. The returned function releases the slot; further calls have no effect. */
  acquire(): () => void {
    if (this.#count >= this.max) {
      const detail =
        'Too many concurrent streams and polls of the change feed (MAX_STREAMS). Try again later, or another node.';
      throw new ProblemError('too-many-streams', { detail, headers: { 'retry-after': RETRY_AFTER_S } });
    }
    this.#count += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#count -= 1;
      isHeld = false;
    };
  }
}
