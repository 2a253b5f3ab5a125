import { ProblemError } from '../platform/problem.js';

const RETRY_AFTER_S = '5';

/** How many may follow the feed at once, each of whom holds a connection and some memory. */
export class FollowerLimit {
  #count = 0;

  constructor(private readonly most: number) {}

  /** Throws a problem when there are as many as may be; returns what is to be called once when this one has gone. */
  enter(): () => void {
    if (this.#count >= this.most) {
      const detail = 'Close another stream, or ask another node; MAX_STREAMS says how many there may be.';
      throw new ProblemError('too-many-streams', { detail, headers: { 'retry-after': RETRY_AFTER_S } });
    }
    this.#count += 1;
    let isIn = true;
    return () => {
      if (isIn) this.#count -= 1;
      isIn = false;
    };
  }
}
