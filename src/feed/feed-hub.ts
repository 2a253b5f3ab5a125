// Reads new changes once per process and delivers them to all followers. A follower first reads the changes that it has
// missed from the store, page by page, and joins once it has caught up. The hub keeps recent changes, so that none are lost
// between the follower's last page and joining; the follower skips changes that it has already received.
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { NO_TRACES, TRACER, type Tracer } from '../observability/tracing/tracer.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import { type FeedPosition, isPast, moveTo } from '../storage/feed-position.js';
import type { FeedStore } from '../storage/ports.js';
import { FEED_STORE } from '../storage/tokens.js';
import { lengthOf } from './change-size.js';
import { type FeedChange, FeedReader } from './feed-reader.js';
import type { Follower } from './follower.js';

/** Limits of the recent changes kept for joining followers, which receive them at once. */
const MAX_RECENT_CHANGES = 1_000;
const MAX_RECENT_LENGTH = 512 * 1024;
/** Between attempts while the store is unavailable. */
const RETRY_MS = 250;
/**
 * The hub pauses between rounds, so that changes that arrive meanwhile are read together, and are sent to each follower in one write:
 * at the maximum rate of callbacks, to read them one commit at a time would cost a fifth of the processor time of the callbacks.
 */
const MIN_PAUSE_MS = 5;
/** With many followers, in proportion to its work: callbacks are processed in between. */
const PAUSE_RATIO = 3;
const MAX_PAUSE_MS = 50;

@Injectable()
export class FeedHub {
  readonly #feed: FeedStore;
  readonly #reader: FeedReader;
  readonly #log: Logger;
  readonly #tracer: Tracer;
  readonly #followers = new Set<Follower>();
  /** The changes delivered last, all after `#recentFrom`. */
  #recent: FeedChange[] = [];
  #recentFrom: FeedPosition = [];
  #recentLength = 0;
  #position: FeedPosition = [];
  #isRunning = false;
  #isFailing = false;
  readonly #stopping = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(
    @Inject(FEED_STORE) feed: FeedStore,
    reader: FeedReader,
    @Inject(LOG) log: Logger,
    @Optional() @Inject(TRACER) tracer: Tracer = NO_TRACES,
  ) {
    this.#feed = feed;
    this.#reader = reader;
    this.#log = log;
    this.#tracer = tracer;
  }

  /**
   * Delivers everything after the follower's position, recent changes at once, until it leaves.
   * false: not joined; the follower must first read more from the store.
   */
  join(follower: Follower): boolean {
    if (this.#stopping.signal.aborted) return false;
    if (!this.#isRunning) this.#start(follower.position);
    if (!this.#recentFrom.every((shardPosition, shard) => isPast(follower.position, shard, shardPosition)))
      return false;
    this.#followers.add(follower);
    this.#deliver(follower, this.#recent);
    return true;
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Resolves when the current round has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  #start(position: FeedPosition): void {
    this.#recent = [];
    this.#recentLength = 0;
    this.#recentFrom = position;
    this.#position = position;
    this.#isRunning = true;
    this.#ended = this.#run();
  }

  async #run(): Promise<void> {
    // Started by the first follower, which joins in this tick.
    await new Promise<void>(onTickEnd);
    while (this.#followers.size > 0 && !this.#stopping.signal.aborted) {
      try {
        await this.#round();
        if (this.#isFailing) this.#log.info('the change feed can be read again');
        this.#isFailing = false;
      } catch (error) {
        // Followers get nothing meanwhile, so log the reason.
        if (!this.#isFailing) this.#log.error({ reason: (error as Error).message }, 'the change feed cannot be read');
        this.#isFailing = true;
        await wait(RETRY_MS);
      }
    }
    this.#isRunning = false;
  }

  async #round(): Promise<void> {
    const page = await this.#reader.page(this.#position);
    if (page === null) {
      this.#invalidateAll();
    } else if (page.changes.length === 0) {
      this.#position = page.position;
      await this.#feed.waitForChange(page.position, this.#stopping.signal);
    } else {
      const startMs = performance.now();
      const span = this.#tracer.startDelivery(page.changes.length, this.#followers.size);
      this.#position = page.position;
      this.#remember(page.changes);
      for (const follower of this.#followers) this.#deliver(follower, page.changes);
      span?.end();
      const tookMs = performance.now() - startMs;
      await wait(Math.min(Math.max(PAUSE_RATIO * tookMs, MIN_PAUSE_MS), MAX_PAUSE_MS));
    }
  }

  #remember(changes: readonly FeedChange[]): void {
    this.#recent.push(...changes);
    for (const { change } of changes) this.#recentLength += lengthOf(change);
    let dropped = 0;
    for (const { shard, shardPosition, change } of this.#recent) {
      if (this.#recent.length - dropped <= MAX_RECENT_CHANGES && this.#recentLength <= MAX_RECENT_LENGTH) break;
      this.#recentFrom = moveTo(this.#recentFrom, shard, shardPosition);
      this.#recentLength -= lengthOf(change);
      dropped += 1;
    }
    this.#recent.splice(0, dropped);
  }

  #invalidateAll(): void {
    const followers = [...this.#followers];
    this.#followers.clear();
    for (const follower of followers) follower.invalidate();
  }

  #deliver(follower: Follower, changes: readonly FeedChange[]): void {
    try {
      follower.deliver(changes);
    } catch (error) {
      this.#log.error({ err: error }, 'a follower of the change feed failed');
      this.leave(follower);
      follower.invalidate();
    }
  }
}
