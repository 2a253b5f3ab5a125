// The feed as changes, each with its place: the store's entries hold all that one commit announced.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Change } from '../domain/change.js';
import { DeduplicatedLog } from '../observability/deduplicated-log.js';
import { LOG } from '../observability/logging.js';
import { PacedQueue } from '../runtime/paced-queue.js';
import { decodeChanges } from '../storage/encoding/change-codec.js';
import { type FeedPlace, type FeedPosition, moveTo } from '../storage/feed-position.js';
import { type FeedEntry, type FeedStore, MAX_PAGE_BYTES } from '../storage/ports.js';
import { FEED_STORE } from '../storage/tokens.js';
import { lengthOf } from './change-size.js';

/** How many entries are read at once: decoding them blocks the event loop for a millisecond. */
export const PAGE_SIZE = 128;
/** A page ends with the change by which its changes come to this length: they are written to clients at once. */
const MAX_PAGE_LENGTH = 128 * 1024;

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

@Injectable()
export class FeedReader {
  readonly #undecodable: DeduplicatedLog;
  readonly #queue = new PacedQueue();

  constructor(
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(LOG) log: Logger,
  ) {
    this.#undecodable = new DeduplicatedLog(
      log,
      'an entry of the change feed cannot be decoded; its followers start over',
    );
  }

  /** How many entries could not be decoded since the start. */
  get undecodableCount(): number {
    return this.#undecodable.count;
  }

  /**
   * null: the position is gone, or what comes right after it cannot be decoded, so that nobody can tell any more what changed.
   * A page ends before such an entry, and within one when its changes are too large. Rejects with StoreUnavailableError.
   */
  async page(after: FeedPosition, size = PAGE_SIZE): Promise<FeedPage | null> {
    const entries = await this.feed.read(after, size);
    if (entries === null) return null;
    let position = after;
    const changes: FeedChange[] = [];
    let length = 0;
    for (const entry of entries) {
      const { epoch, entry: id, taken } = position[entry.shard] as FeedPlace;
      const isWithin = id === entry.id;
      // No reader can be within the entry that the feed begins with.
      const all = isWithin && entry.changes === '' ? [] : this.#changesOf(entry, epoch);
      if (all === null) return changes.length > 0 ? { changes, position, isLast: false } : null;
      // No reader of this entry can have come just that far.
      if (isWithin && (!taken || taken >= all.length)) return null;
      for (const change of isWithin ? all.slice(taken) : all) {
        if (length >= MAX_PAGE_LENGTH) return { changes, position, isLast: false };
        changes.push(change);
        length += lengthOf(change.change);
        position = moveTo(position, entry.shard, change.place);
      }
      position = moveTo(position, entry.shard, { epoch, entry: entry.id });
    }
    return { changes, position, isLast: entries.length < size && bytesOf(entries) < MAX_PAGE_BYTES };
  }

  /** `page` for a client that catches up, when it is its turn; `left`: it was no longer there by then. */
  pageInTurn(after: FeedPosition, isThere: () => boolean, size = PAGE_SIZE): Promise<FeedPage | null | 'left'> {
    return this.#queue.run(async () => (isThere() ? this.page(after, size) : 'left'));
  }

  /** null: it cannot be decoded. */
  #changesOf({ shard, id, changes }: FeedEntry, epoch: string): FeedChange[] | null {
    const decoded = decodeChanges(changes);
    if (decoded === null) this.#undecodable.error(`${epoch}.${shard}.${id}`, { shard, entry: id });
    return (
      decoded?.map((change, index, { length }): FeedChange => {
        const taken = index + 1;
        return { shard, place: { epoch, entry: id, ...(taken < length && { taken }) }, change };
      }) ?? null
    );
  }
}

function bytesOf(entries: readonly FeedEntry[]): number {
  return entries.reduce((bytes, { changes }) => bytes + Buffer.byteLength(changes), 0);
}
