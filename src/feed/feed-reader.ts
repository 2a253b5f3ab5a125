// Reads the feed as single changes with positions; an entry of the store holds all changes of one commit.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Change } from '../domain/change.js';
import { DeduplicatedLog } from '../observability/deduplicated-log.js';
import { LOG } from '../observability/logging.js';
import { PacedQueue } from '../runtime/paced-queue.js';
import { decodeChanges } from '../storage/encoding/change-codec.js';
import { type FeedPosition, moveTo, type ShardPosition } from '../storage/feed-position.js';
import { type FeedEntry, type FeedStore, isStoreUnavailable, MAX_PAGE_BYTES } from '../storage/ports.js';
import { FEED_STORE } from '../storage/tokens.js';
import { lengthOf } from './change-size.js';

/** Entries per page: decoding them blocks the event loop for a millisecond. */
export const PAGE_SIZE = 128;
/** A page ends with the change that brings it to this length: it is written to clients at once. */
const MAX_PAGE_LENGTH = 128 * 1024;

export interface FeedChange {
  readonly shard: number;
  /** The position right after this change. */
  readonly shardPosition: ShardPosition;
  readonly change: Change;
}

interface FeedPage {
  readonly changes: readonly FeedChange[];
  /** After the last entry of the page. */
  readonly position: FeedPosition;
  /** Whether the page reached the end of the feed. */
  readonly isLast: boolean;
}

type FeedBatch = Omit<FeedPage, 'changes'> & { readonly changes: readonly Change[] };

@Injectable()
export class FeedReader {
  readonly #undecodable: DeduplicatedLog;
  readonly #queue = new PacedQueue(isStoreUnavailable);

  constructor(
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(LOG) log: Logger,
  ) {
    this.#undecodable = new DeduplicatedLog(
      log,
      'an entry of the change feed cannot be decoded; its followers start over',
    );
  }

  /** Since the start of the process. */
  get undecodableCount(): number {
    return this.#undecodable.count;
  }

  /**
   * null: the position is gone, or the entry right after it cannot be decoded. A page ends before such an entry, and within an
   * entry if its changes are too large. Rejects with StoreUnavailableError.
   */
  async page(after: FeedPosition, size = PAGE_SIZE): Promise<FeedPage | null> {
    const entries = await this.feed.read(after, size);
    if (entries === null) return null;
    let position = after;
    const changes: FeedChange[] = [];
    let length = 0;
    for (const entry of entries) {
      const { epoch, entry: id, changeOffset } = position[entry.shard] as ShardPosition;
      const isWithin = id === entry.id;
      // The first entry of a feed has no changes.
      const all = isWithin && entry.changes === '' ? [] : this.#changesOf(entry, epoch);
      if (all === null) return changes.length > 0 ? { changes, position, isLast: false } : null;
      // An offset that no reader of this entry can have reached.
      if (isWithin && (!changeOffset || changeOffset >= all.length)) return null;
      for (const change of isWithin ? all.slice(changeOffset) : all) {
        if (length >= MAX_PAGE_LENGTH) return { changes, position, isLast: false };
        changes.push(change);
        length += lengthOf(change.change);
        position = moveTo(position, entry.shard, change.shardPosition);
      }
      position = moveTo(position, entry.shard, { epoch, entry: entry.id });
    }
    return { changes, position, isLast: isLastOf(entries, size) };
  }

  /**
   * Up to `size` entries, which may be several pages, for a reader whose positions are always between entries. null: as for a page.
   * Rejects with StoreUnavailableError.
   */
  async batch(after: FeedPosition, size: number): Promise<FeedBatch | null> {
    let position = after;
    const changes: Change[] = [];
    for (let missing = size; missing > 0; ) {
      const entries = await this.feed.read(position, missing);
      if (entries === null) return changes.length > 0 ? { changes, position, isLast: false } : null;
      for (const entry of entries) {
        const { epoch } = position[entry.shard] as ShardPosition;
        const decoded = this.#decode(entry, epoch);
        if (decoded === null) return changes.length > 0 ? { changes, position, isLast: false } : null;
        changes.push(...decoded);
        position = moveTo(position, entry.shard, { epoch, entry: entry.id });
      }
      if (isLastOf(entries, missing)) return { changes, position, isLast: true };
      missing -= entries.length;
    }
    return { changes, position, isLast: false };
  }

  /** `page` for a client that is catching up. Waits for its turn; `disconnected`: the client no longer waits by then. */
  pageInTurn(
    after: FeedPosition,
    isConnected: () => boolean,
    size = PAGE_SIZE,
  ): Promise<FeedPage | null | 'disconnected'> {
    return this.#queue.run(async () => (isConnected() ? this.page(after, size) : 'disconnected'));
  }

  /** null: the entry cannot be decoded. */
  #decode({ shard, id, changes }: FeedEntry, epoch: string): Change[] | null {
    const decoded = decodeChanges(changes);
    if (decoded === null) this.#undecodable.error(`${epoch}.${shard}.${id}`, { shard, entry: id });
    return decoded;
  }

  /** null: the entry cannot be decoded. */
  #changesOf(one: FeedEntry, epoch: string): FeedChange[] | null {
    const { shard, id } = one;
    return (
      this.#decode(one, epoch)?.map((change, index, { length }): FeedChange => {
        const changeOffset = index + 1;
        return { shard, shardPosition: { epoch, entry: id, ...(changeOffset < length && { changeOffset }) }, change };
      }) ?? null
    );
  }
}

/** Whether the end of the feed was reached. */
function isLastOf(entries: readonly FeedEntry[], size: number): boolean {
  return entries.length < size && bytesOf(entries) < MAX_PAGE_BYTES;
}

function bytesOf(entries: readonly FeedEntry[]): number {
  return entries.reduce((bytes, { changes }) => bytes + Buffer.byteLength(changes), 0);
}
