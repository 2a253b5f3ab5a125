// The feed as changes, each with its place: the store's entries hold all that one commit announced.
import { decodeChanges } from '../presence/change-codec.js';
import type { Change } from '../presence/domain/change.js';
import { type FeedPlace, type FeedPosition, moveTo } from '../presence/feed-position.js';
import type { FeedEntry, PresenceStore } from '../presence/presence-store.js';

/** How many entries are read at once: decoding them blocks the event loop for a millisecond. */
export const PAGE_SIZE = 128;

export interface FeedChange {
  readonly shard: number;
  /** That of a reader who has read all up to this change. */
  readonly place: FeedPlace;
  readonly change: Change;
}

interface FeedPage {
  readonly changes: readonly FeedChange[];
  /** After the last entry of the page. */
  readonly position: FeedPosition;
  /** Whether there was nothing after the page when it was read. */
  readonly isLast: boolean;
}

/** null: the position is gone. Rejects with StoreUnavailableError. */
export async function readPage(store: PresenceStore, after: FeedPosition, size = PAGE_SIZE): Promise<FeedPage | null> {
  const entries = await store.changes(after, size);
  if (entries === null) return null;
  let position = after;
  const changes: FeedChange[] = [];
  for (const entry of entries) {
    const { epoch, entry: id, taken } = position[entry.shard] as FeedPlace;
    const all = changesOf(entry, epoch);
    const isWithin = id === entry.id;
    // No reader of this entry can have come just that far.
    if (isWithin && (!taken || taken >= all.length)) return null;
    changes.push(...(isWithin ? all.slice(taken) : all));
    position = moveTo(position, entry.shard, { epoch, entry: entry.id });
  }
  return { changes, position, isLast: entries.length < size };
}

function changesOf({ shard, id, changes }: FeedEntry, epoch: string): FeedChange[] {
  return decodeChanges(changes).map((change, index, { length }): FeedChange => {
    const taken = index + 1;
    return { shard, place: { epoch, entry: id, ...(taken < length && { taken }) }, change };
  });
}
