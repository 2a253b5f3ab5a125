// Whoever follows the feed, by a stream or by a poll that waits: how far it has come, and what it wants to hear of.
import type { Change } from '../domain/change.js';
import { type FeedPosition, isPast, moveTo } from '../storage/feed-position.js';
import { type ChangeFilter, isWanted } from './change-filter.js';
import type { FeedChange } from './feed-reader.js';

export interface PlacedChange {
  readonly change: Change;
  readonly position: FeedPosition;
}

interface Listener {
  /** Some changes that are wanted, in order. */
  readonly onChanges: (changes: readonly PlacedChange[]) => void;
  /** What came after the position is no longer known; nothing more will come. */
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

  /** All up to here was given to it. */
  get position(): FeedPosition {
    return this.#position;
  }

  /** In the order of the feed; those that it has had already are passed over. */
  take(changes: readonly FeedChange[]): void {
    const wanted: PlacedChange[] = [];
    for (const { shard, place, change } of changes) {
      if (isPast(this.#position, shard, place)) continue;
      this.#position = moveTo(this.#position, shard, place);
      if (isWanted(change, this.filter)) wanted.push({ change, position: this.#position });
    }
    if (wanted.length > 0) this.listener.onChanges(wanted);
  }

  lose(): void {
    this.listener.onGone();
  }
}
