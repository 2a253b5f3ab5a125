import { ProblemError } from '../http/problem.js';

const RETRY_AFTER_S = '5';

export type FollowerKind = 'stream' | 'poll';

/** Limits concurrent streams and polls of the feed: each holds a connection and memory, or reads the feed. */
export class FollowerLimit {
  readonly #counts: Record<FollowerKind, number> = { stream: 0, poll: 0 };

  constructor(private readonly max: number) {}

  count(kind: FollowerKind): number {
    return this.#counts[kind];
  }

  /** Throws a problem if the limit is reached. The returned function releases the slot; further calls have no effect. */
  acquire(kind: FollowerKind): () => void {
    if (this.count('stream') + this.count('poll') >= this.max) {
      const detail =
        'Too many concurrent streams and polls of the change feed (MAX_STREAMS). Try again later, or another node.';
      throw new ProblemError('too-many-streams', { detail, headers: { 'retry-after': RETRY_AFTER_S } });
    }
    this.#counts[kind] += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#counts[kind] -= 1;
      isHeld = false;
    };
  }
}
