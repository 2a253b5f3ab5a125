// One question for changes: what there is after a position, or, if there is nothing yet, what comes within some time.
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../platform/clock.js';
import { ProblemError } from '../platform/problem.js';
import { atTurnsEnd } from '../platform/turns.js';
import { type FeedPosition, formatPosition, moveTo } from '../presence/feed-position.js';
import type { PresenceStore } from '../presence/presence-store.js';
import { type ChangesAnswer, changeAnswer } from './change-answer.js';
import { type ChangeFilter, isWanted } from './change-filter.js';
import type { FeedHub } from './feed-hub.js';
import { PAGE_SIZE, readPage } from './feed-page.js';
import { Follower, type PlacedChange } from './follower.js';
import type { FollowerLimit } from './follower-limit.js';

/** What is read at once when the filter leaves everything out; an answer's position is past all of it. */
const MOST_PAGES = 50;

/** The feed began anew and the hub has not noticed yet, or it has gone on too far: both pass at once. */
const REJOIN_MS = 50;

interface Parts {
  readonly store: PresenceStore;
  readonly hub: FeedHub;
  readonly limit: FollowerLimit;
  readonly clock: Clock;
}

export interface PollRequest {
  readonly after: FeedPosition;
  readonly limit: number;
  readonly waitMs: number;
  readonly filter: ChangeFilter;
  /** When the caller has gone. */
  readonly signal: AbortSignal;
}

interface Found {
  readonly changes: readonly PlacedChange[];
  readonly position: FeedPosition;
  /** Whether there was nothing after the position when it was read. */
  readonly isEnd: boolean;
}

export class ChangePoll {
  readonly #parts: Parts;
  readonly #waits = new Set<() => void>();
  #isStopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Throws a problem when the position is gone, or too many wait; rejects with StoreUnavailableError. */
  async ask(request: PollRequest): Promise<ChangesAnswer> {
    const { clock } = this.#parts;
    const endMs = clock.now() + request.waitMs;
    let { after } = request;
    for (;;) {
      const found = await this.#find({ ...request, after });
      const waitMs = endMs - clock.now();
      if (found.changes.length > 0 || waitMs <= 0 || this.#isStopped || request.signal.aborted) return answer(found);
      after = found.position;
      if (!found.isEnd) {
        await new Promise<void>(atTurnsEnd);
        continue;
      }
      const heard = await this.#waitFor({ ...request, after, waitMs });
      if (heard) return answer(heard);
      await wait(REJOIN_MS);
    }
  }

  /** Answers all that wait with what they have. */
  stop(): void {
    this.#isStopped = true;
    for (const end of this.#waits) end();
  }

  async #find({ after, limit, filter }: PollRequest): Promise<Found> {
    const changes: PlacedChange[] = [];
    const isAll = Object.values(filter).every((value) => value === undefined);
    let position = after;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const page = await readPage(this.#parts.store, position, isAll ? Math.min(limit, PAGE_SIZE) : PAGE_SIZE);
      if (page === null) throw positionGone();
      for (const { shard, place, change } of page.changes) {
        position = moveTo(position, shard, place);
        if (isWanted(change, filter)) changes.push({ change, position });
        if (changes.length === limit) return { changes, position, isEnd: false };
      }
      if (page.isLast) return { changes, position, isEnd: true };
    }
    return { changes, position, isEnd: false };
  }

  /** undefined: it was no longer at the end of the feed, and has to read on. */
  async #waitFor({ after, limit, waitMs, filter, signal }: PollRequest): Promise<Found | undefined> {
    const exit = this.#parts.limit.enter();
    const { promise, resolve, reject } = withResolvers<Found | undefined>();
    const heard = (changes: readonly PlacedChange[]) => {
      const kept = changes.slice(0, limit);
      const position = kept.length < changes.length ? kept.at(-1)?.position : follower.position;
      resolve({ changes: kept, position: position ?? follower.position, isEnd: false });
    };
    const follower = new Follower(after, filter, { onChanges: heard, onGone: () => reject(positionGone()) });
    const end = () => heard([]);
    const cancel = this.#parts.clock.after(waitMs, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    this.#waits.add(end);
    try {
      if (!this.#parts.hub.join(follower)) resolve(undefined);
      return await promise;
    } finally {
      this.#parts.hub.leave(follower);
      this.#waits.delete(end);
      signal.removeEventListener('abort', end);
      cancel();
      exit();
    }
  }
}

function answer({ changes, position }: Found): ChangesAnswer {
  const items = changes.map((placed) => changeAnswer(placed.change, formatPosition(placed.position)));
  return { items, position: formatPosition(position) };
}

function positionGone(): ProblemError {
  return new ProblemError('position-gone', { detail: 'List again, and follow from the position of that list.' });
}

/** Promise.withResolvers is not in Node 20. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}
