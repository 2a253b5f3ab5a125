// Where to go on if the feed no longer has a position: it was trimmed, or the store has lost data.
import { committedAtMs, compareEntries, type FeedPosition, isSameEpoch, moveTo } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';

/**
 * After a failover, the entries of the last moments may be others. The clock of the new server may be behind. What is sent again
 * has the same ids.
 */
const ROLLBACK_MS = 60_000;

/** A position that can be read from, after which nothing is missing that the feed still has. */
export async function positionAfterGap(feed: FeedStore, lost: FeedPosition): Promise<FeedPosition> {
  const start = await feed.at(0);
  const end = await feed.end();
  if (lost.length !== start.length) return start;
  let next = start;
  let isSame = true;
  for (const [shard, reached] of lost.entries()) {
    const [first, last] = [start[shard], end[shard]];
    if (!first || !last || !isSameEpoch(reached.epoch, first.epoch)) {
      isSame = false;
    } else if (compareEntries(reached.entry, first.entry) < 0) {
      isSame = false;
    } else if (compareEntries(reached.entry, last.entry) > 0) {
      isSame = false;
      const [before] = (await feed.at(committedAtMs(reached) - ROLLBACK_MS)).slice(shard);
      if (before) next = moveTo(next, shard, before);
    } else {
      next = moveTo(next, shard, reached);
    }
  }
  return isSame ? skipOne(feed, next) : next;
}

/** The entry of the position is missing among others, or the next one cannot be decoded. */
async function skipOne(feed: FeedStore, position: FeedPosition): Promise<FeedPosition> {
  const entries = await feed.read(position, 1);
  const [entry] = entries ?? [];
  if (entry) return moveTo(position, entry.shard, { epoch: position[entry.shard]?.epoch ?? '', entry: entry.id });
  if (entries !== null) return position;
  return feed.at(Math.max(...position.map(committedAtMs)) - ROLLBACK_MS);
}
