// One question for changes: what there is after a position, or, if there is nothing yet, what comes within some time.
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '../../http/problem.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { type FeedPosition, formatPosition, moveTo } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { FEED_STORE } from '../../storage/tokens.js';
import { type ChangeFilter, isWanted } from '../change-filter.js';
import { FeedHub } from '../feed-hub.js';
import { FeedReader, PAGE_SIZE } from '../feed-reader.js';
import { Follower, type PlacedChange } from '../follower.js';
import { FollowerLimit } from '../follower-limit.js';
import { FoundChanges } from '../found-changes.js';
import { type ChangesResponse, changeResponse } from './change-response.js';

/**
 * How much of the feed one request may read, since a filter can leave out any number of entries. The answer then has the
 * position reached, and the client goes on from there.
 */
const MAX_SCAN_PAGES = 32;
const MAX_SCAN_MS = 500;
/** When more polls than these read at once, each is answered after a page: they would hold all that they have found. */
const MOST_LONG_SCANS = 8;

/** The feed began anew and the hub has not noticed yet, or it has gone on too far: both pass at once. */
const REJOIN_MS = 50;

export interface PollRequest {
  /** undefined: no changes, just the present position. */
  readonly after: FeedPosition | undefined;
  readonly limit: number;
  readonly waitMs: number;
  readonly filter: ChangeFilter;
  /** When the caller has gone. */
  readonly signal: AbortSignal;
}

interface Found {
  readonly changes: readonly PlacedChange[];
  readonly position: FeedPosition;
}

interface Scanned extends Found {
  /** Whether there was nothing more to read. */
  readonly isEnd: boolean;
}

type Search = Omit<PollRequest, 'after'> & { readonly after: FeedPosition };

@Injectable()
export class ChangePoll {
  readonly #waits = new Set<() => void>();
  #scans = 0;
  #isStopped = false;

  constructor(
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    private readonly reader: FeedReader,
    private readonly hub: FeedHub,
    private readonly limit: FollowerLimit,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Takes one of the followers' places until it is answered, whether it reads or waits. Throws a problem when there is none, or
   * when the position is gone; rejects with StoreUnavailableError.
   */
  async ask({ after, ...request }: PollRequest): Promise<ChangesResponse> {
    const exit = this.limit.enter();
    try {
      if (after === undefined) return answer({ changes: [], position: await this.feed.end() });
      return answer(await this.#search({ ...request, after }));
    } finally {
      exit();
    }
  }

  /** Answers all that wait with what they have. */
  stop(): void {
    this.#isStopped = true;
    for (const end of this.#waits) end();
  }

  async #search(search: Search): Promise<Found> {
    const startMs = this.clock.now();
    for (let after = search.after; ; ) {
      const { isEnd, ...found } = await this.#scan({ ...search, after });
      const leftMs = search.waitMs - (this.clock.now() - startMs);
      if (!isEnd || found.changes.length > 0 || leftMs <= 0 || this.#isEnding(search)) return found;
      const received = await this.#waitFor({ ...search, after: found.position, waitMs: leftMs });
      if (received) return received;
      await wait(REJOIN_MS);
      after = found.position;
    }
  }

  /** Reads on to the end of the feed, or as far as one request may. */
  async #scan(search: Search): Promise<Scanned> {
    this.#scans += 1;
    try {
      return await this.#scanPages(search);
    } finally {
      this.#scans -= 1;
    }
  }

  async #scanPages(search: Search): Promise<Scanned> {
    const startMs = this.clock.now();
    const found = new FoundChanges(search.limit);
    let position = search.after;
    for (let pages = 1; ; pages += 1) {
      const page = await this.reader.pageInTurn(position, () => !this.#isEnding(search), pageSize(search));
      if (page === 'left') return { changes: found.changes, position, isEnd: false };
      if (page === null) {
        // The next request will be told.
        if (found.changes.length > 0) return { changes: found.changes, position, isEnd: false };
        throw positionGone();
      }
      for (const { shard, place, change } of page.changes) {
        position = moveTo(position, shard, place);
        if (isWanted(change, search.filter)) found.add({ change, position });
        if (found.isFull) return { changes: found.changes, position, isEnd: false };
      }
      const isEnough =
        pages === MAX_SCAN_PAGES || this.clock.now() - startMs >= MAX_SCAN_MS || this.#scans > MOST_LONG_SCANS;
      if (page.isLast || isEnough) {
        return { changes: found.changes, position, isEnd: page.isLast };
      }
    }
  }

  #isEnding({ signal }: Search): boolean {
    return this.#isStopped || signal.aborted;
  }

  /** undefined: it was no longer at the end of the feed, and has to read on. */
  async #waitFor({ after, limit, waitMs, filter, signal }: Search): Promise<Found | undefined> {
    const { promise, resolve, reject } = withResolvers<Found | undefined>();
    const heard = (changes: readonly PlacedChange[]) => {
      const found = new FoundChanges(limit);
      for (const change of changes) if (!found.isFull) found.add(change);
      const kept = found.changes;
      const position = kept.length < changes.length ? kept.at(-1)?.position : follower.position;
      resolve({ changes: kept, position: position ?? follower.position });
    };
    const follower = new Follower(after, filter, { onChanges: heard, onGone: () => reject(positionGone()) });
    const end = () => heard([]);
    const cancel = this.clock.after(waitMs, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    this.#waits.add(end);
    try {
      if (!this.hub.join(follower)) resolve(undefined);
      return await promise;
    } finally {
      this.hub.leave(follower);
      this.#waits.delete(end);
      signal.removeEventListener('abort', end);
      cancel();
    }
  }
}

/** With no filter no more is read than is given. */
function pageSize({ filter, limit }: Search): number {
  const isAll = Object.values(filter).every((value) => value === undefined);
  return isAll ? Math.min(limit, PAGE_SIZE) : PAGE_SIZE;
}

function answer({ changes, position }: Found): ChangesResponse {
  const items = changes.map((placed) => changeResponse(placed.change, formatPosition(placed.position)));
  return { items, position: formatPosition(position) };
}

function positionGone(): ProblemError {
  return new ProblemError('position-gone', {
    detail: 'List the participants again and continue from the position of that list.',
  });
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
