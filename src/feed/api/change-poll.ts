// One request for the changes after a position. If there are none, it can wait for some time.
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '../../http/problem.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { type FeedPosition, formatPosition, moveTo } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { FEED_STORE } from '../../storage/tokens.js';
import { ChangeBatch } from '../change-batch.js';
import { type ChangeFilter, isWanted } from '../change-filter.js';
import { FeedHub } from '../feed-hub.js';
import { FeedMetrics } from '../feed-metrics.js';
import { FeedReader, PAGE_SIZE } from '../feed-reader.js';
import { Follower, type PositionedChange } from '../follower.js';
import { FollowerLimit } from '../follower-limit.js';
import { type ChangesResponse, changeResponse } from './change-response.js';

/**
 * Limits how much of the feed one request reads, because a filter can skip any number of entries. The response has the
 * position reached, from which the client continues.
 */
const MAX_SCAN_PAGES = 32;
const MAX_SCAN_MS = 500;
/** While more polls than this are scanning, each responds after one page: a long scan holds all changes found in memory. */
const MAX_CONCURRENT_LONG_SCANS = 8;

/** The hub has moved on too far, or has not noticed yet that the feed started over. Neither lasts. */
const REJOIN_MS = 50;

export interface PollRequest {
  /** undefined: no changes, just the current position. */
  readonly after: FeedPosition | undefined;
  readonly limit: number;
  readonly waitMs: number;
  readonly filter: ChangeFilter;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
}

interface Found {
  readonly changes: readonly PositionedChange[];
  readonly position: FeedPosition;
}

interface Scanned extends Found {
  /** Whether the scan reached the end of the feed. */
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
    private readonly metrics: FeedMetrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Holds a slot of the follower limit until it resolves. Rejects with a problem if there is no slot or the position is gone,
   * and with StoreUnavailableError.
   */
  async run({ after, ...request }: PollRequest): Promise<ChangesResponse> {
    const release = this.limit.acquire('poll');
    try {
      if (after === undefined) return toResponse({ changes: [], position: await this.feed.end() });
      return toResponse(await this.#search({ ...request, after }));
    } finally {
      release();
    }
  }

  /** Ends all waiting polls. */
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

  /** Reads up to the end of the feed, or to the limit of one request. */
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
    const found = new ChangeBatch(search.limit);
    let position = search.after;
    for (let pages = 1; ; pages += 1) {
      const page = await this.reader.pageInTurn(position, () => !this.#isEnding(search), pageSize(search));
      if (page === 'disconnected') return { changes: found.changes, position, isEnd: false };
      if (page === null) {
        // Return what was found; the next request gets the problem.
        if (found.changes.length > 0) return { changes: found.changes, position, isEnd: false };
        throw this.#positionGone();
      }
      for (const { shard, shardPosition, change } of page.changes) {
        position = moveTo(position, shard, shardPosition);
        if (isWanted(change, search.filter)) found.add({ change, position, shard });
        if (found.isFull) return { changes: found.changes, position, isEnd: false };
      }
      const isEnough =
        pages === MAX_SCAN_PAGES ||
        this.clock.now() - startMs >= MAX_SCAN_MS ||
        this.#scans > MAX_CONCURRENT_LONG_SCANS;
      if (page.isLast || isEnough) {
        return { changes: found.changes, position, isEnd: page.isLast };
      }
    }
  }

  #positionGone(): ProblemError {
    this.metrics.reset();
    return new ProblemError('position-gone', {
      detail: 'List the participants again and continue from the position of that list.',
    });
  }

  #isEnding({ signal }: Search): boolean {
    return this.#isStopped || signal.aborted;
  }

  /** undefined: the poll is no longer at the end of the feed and must read more. */
  async #waitFor({ after, limit, waitMs, filter, signal }: Search): Promise<Found | undefined> {
    const { promise, resolve, reject } = withResolvers<Found | undefined>();
    const onChanges = (changes: readonly PositionedChange[]) => {
      const found = new ChangeBatch(limit);
      for (const change of changes) if (!found.isFull) found.add(change);
      const kept = found.changes;
      const position = kept.length < changes.length ? kept.at(-1)?.position : follower.position;
      resolve({ changes: kept, position: position ?? follower.position });
    };
    const follower = new Follower(after, filter, { onChanges, onGone: () => reject(this.#positionGone()) });
    const end = () => onChanges([]);
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

/** Without a filter, reads no more than the limit. */
function pageSize({ filter, limit }: Search): number {
  const isAll = Object.values(filter).every((value) => value === undefined);
  return isAll ? Math.min(limit, PAGE_SIZE) : PAGE_SIZE;
}

function toResponse({ changes, position }: Found): ChangesResponse {
  const items = changes.map((placed) => changeResponse(placed.change, formatPosition(placed.position)));
  return { items, position: formatPosition(position) };
}

/** Node 20 has no Promise.withResolvers. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}
