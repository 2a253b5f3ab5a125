// Reads the feed for one endpoint: first what it has missed, page by page, then live from the hub, as long as the queue has room.
import type { Logger } from 'pino';
import type { ChangeFilter } from '../../feed/change-filter.js';
import type { FeedHub } from '../../feed/feed-hub.js';
import type { FeedReader } from '../../feed/feed-reader.js';
import { Follower, type PositionedChange } from '../../feed/follower.js';
import type { Clock } from '../../runtime/clock.js';
import { delay } from '../../runtime/delay.js';
import { type FeedPosition, hasReached, moveTo } from '../../storage/feed-position.js';
import { type FeedStore, StoreUnavailableError } from '../../storage/ports.js';
import type { DeliveryMetrics } from './delivery-metrics.js';
import type { DeliveryQueue } from './delivery-queue.js';
import { positionAfterGap } from './feed-gap.js';
import { type ChangeRef, refOf, type WaitingChange } from './message.js';

/** While the store is unavailable, or the hub has moved on too far. */
const RETRY_MS = 250;

export interface FeedParts {
  readonly feed: FeedStore;
  readonly reader: FeedReader;
  readonly hub: FeedHub;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: DeliveryMetrics;
}

type ReadChange = Omit<WaitingChange, 'before'>;

export class FeedConsumer {
  #follower: Follower | undefined;
  #isWaitingForRoom = false;
  /** Ends the wait for room in the queue, or for changes of the hub. */
  #wake = () => {};
  #ended: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  constructor(
    private readonly queue: DeliveryQueue,
    private readonly parts: FeedParts,
    private readonly filter: ChangeFilter,
    /** Called when the queue has more. */
    private readonly onMore: () => void,
  ) {}

  /** Whether it has read everything there is. */
  get isLive(): boolean {
    return this.#follower !== undefined;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#ended;
  }

  /** Must be called when the queue may have room. */
  queueChanged(): void {
    if (this.#isWaitingForRoom && !this.queue.isFull) this.#wake();
  }

  /** Moves the cursor of the queue past changes that are not wanted. */
  updateCursor(): void {
    if (this.#follower) this.queue.add([], this.#follower.position);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (this.queue.isFull) await this.#waitForRoom();
        else await this.#readOn();
      } catch (error) {
        // The store logs itself when it is unavailable.
        if (!(error instanceof StoreUnavailableError))
          this.parts.log.error({ err: error }, 'a webhook cannot follow the feed');
        await delay(this.parts.clock, RETRY_MS, signal);
      }
    }
  }

  async #waitForRoom(): Promise<void> {
    this.#isWaitingForRoom = true;
    await this.#untilWoken();
    this.#isWaitingForRoom = false;
  }

  async #readOn(): Promise<void> {
    const { reader, feed, clock, log } = this.parts;
    const { signal } = this.#stopping;
    const from = this.queue.cursor;
    const page = await reader.pageInTurn(from, () => !signal.aborted);
    if (page === 'disconnected') return;
    if (page === null) {
      const to = await positionAfterGap(feed, from);
      log.warn({ from, to }, 'the feed no longer has changes that a webhook should have delivered');
      this.queue.addGap({ from, to, atMs: clock.now() });
      this.parts.metrics.gapFound();
      this.onMore();
      return;
    }
    const follower = this.#newFollower(from);
    follower.deliver(page.changes);
    this.queue.add([], page.position);
    if (page.isLast) await this.#followLive();
  }

  async #followLive(): Promise<void> {
    const { hub, clock } = this.parts;
    const follower = this.#newFollower(this.queue.cursor);
    const woken = this.#untilWoken();
    this.#follower = follower;
    if (!hub.join(follower)) {
      this.#follower = undefined;
      await delay(clock, RETRY_MS, this.#stopping.signal);
      return;
    }
    await woken;
    hub.leave(follower);
    this.queue.add([], follower.position);
    this.#follower = undefined;
  }

  #newFollower(from: FeedPosition): Follower {
    const follower = new Follower(from, this.filter, {
      onChanges: (changes) => {
        this.queue.add(changes.map(toRead), follower.position);
        this.onMore();
        if (this.#follower === follower && this.queue.isFull) this.#wake();
      },
      onGone: () => this.#wake(),
    });
    return follower;
  }

  /** Also resolves at once if it is stopping. */
  #untilWoken(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function toRead(placed: PositionedChange): ReadChange {
  return { ref: refOf(placed), change: placed.change, position: placed.position };
}

/**
 * Reads the changes named by `refs` again, from a position up to the cursor. Leaves out those that the feed no longer has. Rejects with
 * StoreUnavailableError, also if a part of the feed cannot be read.
 */
export async function readAgain(
  { reader, feed }: Pick<FeedParts, 'reader' | 'feed'>,
  {
    position,
    cursor,
    refs,
  }: { readonly position: FeedPosition; readonly cursor: FeedPosition; readonly refs: ReadonlySet<ChangeRef> },
): Promise<ReadChange[]> {
  const found: ReadChange[] = [];
  const end = await feed.end();
  for (let reached = position; found.length < refs.size; ) {
    const page = await reader.pageInTurn(reached, () => true);
    if (page === null || page === 'disconnected') return found;
    for (const { shard, shardPosition, change } of page.changes) {
      reached = moveTo(reached, shard, shardPosition);
      const ref = refOf({ position: reached, shard });
      if (refs.has(ref)) found.push({ ref, change, position: reached });
    }
    reached = page.position;
    if (hasReached(reached, cursor) || hasReached(reached, end)) return found;
    if (page.isLast) throw new StoreUnavailableError('a part of the feed cannot be read');
  }
  return found;
}
