import { ProblemError } from '../http/problem.js';

const RETRY_AFTER_S = '5';

/** How many streams and polls of the feed there may be at once: each holds a connection and memory, or reads the feed. */
export class FollowerLimit {
  #count = 0;

  constructor(private readonly most: number) {}

  /** Throws a problem when there are as many as may be; returns what is to be called once when this one has gone. */
  enter(): () => void {
    if (this.#count >= this.most) {
      const detail =
        'Too many streams and polls of the change feed at once (MAX_STREAMS). Try again later, or another node.';
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
