// A stream or waiting poll that follows the feed: its position and its filter.
import type { Change } from '../domain/change.js';
import { type FeedPosition, isPast, moveTo } from '../storage/feed-position.js';
import { type ChangeFilter, isWanted } from './change-filter.js';
import type { FeedChange } from './feed-reader.js';

export interface PositionedChange {
  readonly change: Change;
  /** Right after it. */
  readonly position: FeedPosition;
  readonly shard: number;
}

interface Listener {
  /** Changes that match the filter, in order; never empty. */
  readonly onChanges: (changes: readonly PositionedChange[]) => void;
  /** The position is gone; no more changes will follow. */
  readonly onGone: () => void;
}

export class Follower {
  #position: FeedPosition;

  constructor(
    after: FeedPosition,
    private readonly filter: ChangeFilter,
    private readonly listener: Listener,
  ) {
    this.#position = after;
  }

  /** Everything up to here was delivered. */
  get position(): FeedPosition {
    return this.#position;
  }

  /** `changes`: in feed order. Those already delivered are skipped. */
  deliver(changes: readonly FeedChange[]): void {
    const wanted: PositionedChange[] = [];
    for (const { shard, shardPosition, change } of changes) {
      if (isPast(this.#position, shard, shardPosition)) continue;
      this.#position = moveTo(this.#position, shard, shardPosition);
      if (isWanted(change, this.filter)) wanted.push({ change, position: this.#position, shard });
    }
    if (wanted.length > 0) this.listener.onChanges(wanted);
  }

  invalidate(): void {
    this.listener.onGone();
  }
}
