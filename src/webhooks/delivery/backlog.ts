// What is in the feed for an endpoint and was not read for it yet: its queue is full, or nothing is delivered to it now.
import { Inject, Injectable } from '@nestjs/common';
import { isWanted } from '../../feed/change-filter.js';
import { FeedReader } from '../../feed/feed-reader.js';
import { committedAtMs, type FeedPosition, isPast } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { FEED_STORE } from '../../storage/tokens.js';
import { changeFilterOf, type Endpoint } from '../endpoint.js';
import type { DeliveryState } from './delivery-state.js';

export interface Unread {
  /** Changes that the endpoint wants, in the first page after what was read. */
  readonly count: number;
  /** Whether the feed goes on after that page. */
  readonly hasMore: boolean;
  /** When the first one was received; undefined: there is none in that page. */
  readonly oldestAtMs?: number | undefined;
}

/** `state`: undefined if nothing was delivered yet. */
export interface EndpointProgress {
  readonly endpoint: Endpoint;
  readonly state: DeliveryState | undefined;
}

const NONE: Unread = { count: 0, hasMore: false };

@Injectable()
export class Backlog {
  constructor(
    private readonly reader: FeedReader,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
  ) {}

  /** Of each, in the same order. Rejects with StoreUnavailableError. */
  async unread(all: readonly EndpointProgress[]): Promise<Unread[]> {
    if (all.every(hasReadAll)) return all.map(() => NONE);
    const end = await this.feed.end();
    return Promise.all(all.map(async (one) => (hasReadAll(one) ? NONE : this.#unreadOf(one, end))));
  }

  async #unreadOf({ endpoint, state }: EndpointProgress, end: FeedPosition): Promise<Unread> {
    const cursor = state?.cursor ?? endpoint.start;
    if (end.every((shardEnd, shard) => isPast(cursor, shard, shardEnd))) return NONE;
    const page = await this.reader.pageInTurn(cursor, () => true);
    // The feed no longer has all of it.
    if (page === null || page === 'disconnected') {
      return { count: 0, hasMore: true, oldestAtMs: Math.max(...cursor.map(committedAtMs)) };
    }
    const filter = changeFilterOf(endpoint.filter);
    const wanted = page.changes.filter(({ change }) => isWanted(change, filter));
    return { count: wanted.length, hasMore: !page.isLast, oldestAtMs: wanted[0]?.change.receivedAtMs };
  }
}

/** As of a moment ago. Its stored cursor may be behind, as progress past changes that are not wanted is rarely stored. */
function hasReadAll({ endpoint, state }: EndpointProgress): boolean {
  return endpoint.isEnabled && state?.isLive === true;
}
