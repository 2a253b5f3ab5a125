// The one reader of the feed in a process. It reads what is new once, for all who follow: a follower first reads what it
// has missed from the store, by pages, and joins when it has come to the present. What the hub has given out lately it
// keeps, so that between a follower's last page and its joining nothing is lost; and a follower passes over what it has
// had, so that nothing comes twice.
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import { type FeedPosition, isPast, moveTo } from '../storage/feed-position.js';
import type { FeedStore } from '../storage/ports.js';
import { FEED_STORE } from '../storage/tokens.js';
import { lengthOf } from './change-size.js';
import { type FeedChange, FeedReader } from './feed-reader.js';
import type { Follower } from './follower.js';

/** How many changes are kept for those who are about to join, and of which length: they are given to them at once. */
const KEPT_CHANGES = 1_000;
const KEPT_LENGTH = 512 * 1024;
/** Between two tries while the store is away. */
const RETRY_MS = 250;
/**
 * With many followers it rests between two rounds, in proportion to its work and up to a limit: callbacks are not kept
 * waiting, and what comes meanwhile goes out in one write to each follower.
 */
const REST_FOR_WORK = 3;
const LONGEST_REST_MS = 50;

@Injectable()
export class FeedHub {
  readonly #feed: FeedStore;
  readonly #reader: FeedReader;
  readonly #log: Logger;
  readonly #followers = new Set<Follower>();
  /** What was given out last, all of it after `#keptFrom`. */
  #kept: FeedChange[] = [];
  #keptFrom: FeedPosition = [];
  #keptLength = 0;
  #position: FeedPosition = [];
  #isRunning = false;
  #isFailing = false;
  readonly #stopping = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(@Inject(FEED_STORE) feed: FeedStore, reader: FeedReader, @Inject(LOG) log: Logger) {
    this.#feed = feed;
    this.#reader = reader;
    this.#log = log;
  }

  /**
   * From here on the follower is given all that comes after its position, some of it at once.
   * false: it has not joined; it has to read on from the store first.
   */
  join(follower: Follower): boolean {
    if (this.#stopping.signal.aborted) return false;
    if (!this.#isRunning) this.#start(follower.position);
    if (!this.#keptFrom.every((place, shard) => isPast(follower.position, shard, place))) return false;
    this.#followers.add(follower);
    this.#give(follower, this.#kept);
    return true;
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  #start(position: FeedPosition): void {
    this.#kept = [];
    this.#keptLength = 0;
    this.#keptFrom = position;
    this.#position = position;
    this.#isRunning = true;
    this.#ended = this.#run();
  }

  async #run(): Promise<void> {
    // Begun by a follower that joins right after this.
    await new Promise<void>(onTickEnd);
    while (this.#followers.size > 0 && !this.#stopping.signal.aborted) {
      try {
        await this.#round();
        if (this.#isFailing) this.#log.info('the change feed can be read again');
        this.#isFailing = false;
      } catch (error) {
        // Followers wait meanwhile: somebody has to know why.
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
      this.#loseAll();
    } else if (page.changes.length === 0) {
      this.#position = page.position;
      await this.#feed.waitForChange(page.position, this.#stopping.signal);
    } else {
      const startMs = performance.now();
      this.#position = page.position;
      this.#keep(page.changes);
      for (const follower of this.#followers) this.#give(follower, page.changes);
      const tookMs = performance.now() - startMs;
      if (tookMs > 1) await wait(Math.min(REST_FOR_WORK * tookMs, LONGEST_REST_MS));
    }
  }

  #keep(changes: readonly FeedChange[]): void {
    this.#kept.push(...changes);
    for (const { change } of changes) this.#keptLength += lengthOf(change);
    let dropped = 0;
    for (const { shard, place, change } of this.#kept) {
      if (this.#kept.length - dropped <= KEPT_CHANGES && this.#keptLength <= KEPT_LENGTH) break;
      this.#keptFrom = moveTo(this.#keptFrom, shard, place);
      this.#keptLength -= lengthOf(change);
      dropped += 1;
    }
    this.#kept.splice(0, dropped);
  }

  #loseAll(): void {
    const lost = [...this.#followers];
    this.#followers.clear();
    for (const follower of lost) follower.lose();
  }

  #give(follower: Follower, changes: readonly FeedChange[]): void {
    try {
      follower.take(changes);
    } catch (error) {
      this.#log.error({ err: error }, 'a follower of the change feed failed');
      this.leave(follower);
      follower.lose();
    }
  }
}
