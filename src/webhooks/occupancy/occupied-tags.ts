// The tags that are occupied when they begin to be followed.
import type { FeedReader } from '../../feed/feed-reader.js';
import { type FeedPosition, hasReached } from '../../storage/feed-position.js';
import { type FeedStore, StoreUnavailableError } from '../../storage/ports.js';
import type { OccupancyCounts } from './occupancy-counts.js';
import { enteredTags } from './touched-tags.js';

const BATCH_SIZE = 512;

interface Parts {
  readonly reader: FeedReader;
  readonly feed: FeedStore;
  readonly counts: OccupancyCounts;
}

/**
 * `from`: the position from which they are followed; undefined: from now on. Without those that somebody has come to since then, who
 * may be the first one. Rejects with StoreUnavailableError, also if a part of the feed cannot be read.
 */
export async function occupiedBefore(
  { reader, feed, counts }: Parts,
  from: FeedPosition | undefined,
): Promise<{ readonly tags: ReadonlySet<string>; readonly position: FeedPosition }> {
  const now = await feed.end();
  const tags = await counts.occupiedTags();
  // Everybody who was counted came before it.
  const end = await feed.end();
  const start = from ?? now;
  for (let position = start; !hasReached(position, end); ) {
    const batch = await reader.batch(position, BATCH_SIZE);
    if (batch === null) break;
    for (const tag of enteredTags(batch.changes)) tags.delete(tag);
    position = batch.position;
    if (batch.isLast && !hasReached(position, end))
      throw new StoreUnavailableError('a part of the feed cannot be read');
  }
  return { tags, position: start };
}
