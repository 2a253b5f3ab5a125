import type { Change } from '../../src/domain/change.js';
import { decodeChanges } from '../../src/storage/encoding/change-codec.js';
import { type FeedPosition, moveTo } from '../../src/storage/feed-position.js';
import type { FeedEntry, FeedStore } from '../../src/storage/ports.js';

/** The position of a reader that has read the whole entry. */
export function afterEntry(position: FeedPosition, { shard, id }: FeedEntry): FeedPosition {
  return moveTo(position, shard, { epoch: position[shard]?.epoch ?? '', entry: id });
}

/** All entries after a position, read in pages. */
export async function entriesAfter(feed: FeedStore, after: FeedPosition, limit = 500): Promise<FeedEntry[]> {
  const entries: FeedEntry[] = [];
  for (let position = after; ; ) {
    const page = await feed.read(position, limit);
    if (page === null) throw new Error('the position is no longer held');
    if (page.length === 0) return entries;
    entries.push(...page);
    position = page.reduce(afterEntry, position);
  }
}

export async function changesAfter(feed: FeedStore, after: FeedPosition): Promise<Change[]> {
  return (await entriesAfter(feed, after)).flatMap(({ changes }) => {
    const decoded = decodeChanges(changes);
    if (!decoded) throw new Error('an entry cannot be decoded');
    return decoded;
  });
}
