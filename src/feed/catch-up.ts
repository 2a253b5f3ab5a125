// Brings a follower up to date: it reads the changes that it has missed from the store, page by page, and then joins the hub
// for live changes.
import { setTimeout as wait } from 'node:timers/promises';
import type { FeedHub } from './feed-hub.js';
import type { FeedReader } from './feed-reader.js';
import type { Follower } from './follower.js';

/** The hub has moved on too far since the last page, or has not noticed yet that the feed started over. Neither lasts. */
const REJOIN_MS = 50;

interface Source {
  readonly reader: FeedReader;
  readonly hub: FeedHub;
}

interface Client {
  readonly isConnected: () => boolean;
  /** Resolves when the client has read everything sent so far, or has disconnected. */
  readonly drained: () => Promise<void>;
}

/**
 * Delivers everything after the follower's position, in order and once, until it has joined the hub (`live`), its position is
 * gone or its client has disconnected. Rejects with StoreUnavailableError.
 */
export async function catchUp(
  follower: Follower,
  { reader, hub }: Source,
  { isConnected, drained }: Client,
): Promise<'live' | 'gone' | 'disconnected'> {
  for (;;) {
    const page = await reader.pageInTurn(follower.position, isConnected);
    if (page === null) return 'gone';
    if (page === 'disconnected') return 'disconnected';
    follower.deliver(page.changes);
    await drained();
    if (!isConnected()) return 'disconnected';
    // Changes that arrived meanwhile are still held by the hub; if not, there is another page.
    if (!page.isLast) continue;
    if (hub.join(follower)) return 'live';
    await wait(REJOIN_MS);
  }
}
