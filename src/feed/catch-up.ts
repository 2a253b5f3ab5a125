// The join of what a follower has missed, which it reads from the store by pages, and what is live, which the hub gives it.
import { setTimeout as wait } from 'node:timers/promises';
import type { FeedHub } from './feed-hub.js';
import type { FeedReader } from './feed-reader.js';
import type { Follower } from './follower.js';

/** The feed began anew and the hub has not noticed yet, or it has gone on too far since the last page: both pass soon. */
const REJOIN_MS = 50;

interface Source {
  readonly reader: FeedReader;
  readonly hub: FeedHub;
}

interface Client {
  readonly isThere: () => boolean;
  /** Resolves when it has read what it was given, or has left. */
  readonly untilRead: () => Promise<void>;
}

/**
 * Gives the follower all that is after its position, in order and once, until it has joined the hub (`live`), its position is
 * gone, or its client has left. Rejects with StoreUnavailableError.
 */
export async function catchUp(
  follower: Follower,
  { reader, hub }: Source,
  { isThere, untilRead }: Client,
): Promise<'live' | 'gone' | 'left'> {
  for (;;) {
    const page = await reader.pageInTurn(follower.position, isThere);
    if (page === null) return 'gone';
    if (page === 'left') return 'left';
    follower.take(page.changes);
    await untilRead();
    if (!isThere()) return 'left';
    // What came meanwhile is either with the hub still, or there is another page.
    if (!page.isLast) continue;
    if (hub.join(follower)) return 'live';
    await wait(REJOIN_MS);
  }
}
