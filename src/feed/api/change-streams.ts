// All streams of changes that are open: how many there may be, their beats, and their end when the service stops.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { stoppingProblem } from '../../http/problem.js';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import type { FeedPosition } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { FEED_STORE } from '../../storage/tokens.js';
import type { ChangeFilter } from '../change-filter.js';
import { FeedHub } from '../feed-hub.js';
import { FeedReader } from '../feed-reader.js';
import { FollowerLimit } from '../follower-limit.js';
import { ChangeStream } from './change-stream.js';
import { ChangeTexts } from './change-text.js';
import { EventStream } from './event-stream.js';

/** Proxies and load balancers close a connection on which nothing was sent for a minute, some for 30 s. */
const BEAT_MS = 15_000;

export interface StreamRequest {
  /** undefined: from now on. */
  readonly after: FeedPosition | undefined;
  readonly filter: ChangeFilter;
}

/** Where a stream is written to. */
export interface StreamTarget {
  /** To be called right before the response is written to. */
  readonly take: () => { response: ServerResponse; headers: OutgoingHttpHeaders };
}

@Injectable()
export class ChangeStreams {
  readonly #texts = new ChangeTexts();
  readonly #open = new Set<ChangeStream>();
  #cancelBeat = () => {};
  #isStopped = false;

  constructor(
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    private readonly reader: FeedReader,
    private readonly hub: FeedHub,
    private readonly limit: FollowerLimit,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#scheduleBeat();
  }

  /** Throws a problem, or StoreUnavailableError, as long as nothing was written. Resolves when the stream is live or has ended. */
  async open({ after, filter }: StreamRequest, target: StreamTarget): Promise<void> {
    const { feed, reader, hub, log } = this;
    const exit = this.limit.enter();
    let position: FeedPosition;
    try {
      const end = await feed.end();
      position = after ?? end;
      // Who was sent away may be back before the server is closed.
      if (this.#isStopped) throw stoppingProblem();
    } catch (error) {
      exit();
      throw error;
    }
    const { response, headers } = target.take();
    const stream = new EventStream(response, headers, () => {
      exit();
      changes.leave();
      this.#open.delete(changes);
    });
    const changes = new ChangeStream({ stream, after: position, filter, feed, reader, hub, texts: this.#texts, log });
    this.#open.add(changes);
    await changes.begin();
  }

  /** Ends them all. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelBeat();
    for (const stream of this.#open) stream.end();
  }

  #scheduleBeat(): void {
    this.#cancelBeat = this.clock.after(BEAT_MS, () => {
      for (const stream of this.#open) stream.beat();
      this.#scheduleBeat();
    });
  }
}
