// The join of what a follower has missed, which it reads from the store by pages, and what is live, which the hub gives it.
import { setTimeout as wait } from 'node:timers/promises';
import { atTurnsEnd } from '../runtime/tick-batch.js';
import type { FeedHub } from './feed-hub.js';
import type { FeedReader } from './feed-reader.js';
import type { Follower } from './follower.js';

/** The feed began anew and the hub has not noticed yet, or it has gone on too far since the last page: both pass soon. */
const REJOIN_MS = 50;

interface Source {
  readonly reader: FeedReader;
  readonly hub: FeedHub;
}

/**
 * Gives the follower all that is after its position, in order and once, until it has joined the hub (`live`), its position is
 * gone, or `afterPage`, which is awaited after each page, says that it has left. Rejects with StoreUnavailableError.
 */
export async function catchUp(
  follower: Follower,
  { reader, hub }: Source,
  afterPage: () => Promise<'stays' | 'left'>,
): Promise<'live' | 'gone' | 'left'> {
  for (;;) {
    const page = await reader.page(follower.position);
    if (page === null) return 'gone';
    follower.take(page.changes);
    if ((await afterPage()) === 'left') return 'left';
    // What came while that was awaited is either with the hub still, or there is another page.
    if (!page.isLast) {
      // SQLite reads a page without giving up the turn.
      await new Promise<void>(atTurnsEnd);
      continue;
    }
    if (hub.join(follower)) return 'live';
    await wait(REJOIN_MS);
  }
}
