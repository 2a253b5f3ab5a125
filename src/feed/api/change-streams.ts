// All open change streams: their limit, their heartbeats, and their end when the service stops.
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
import { FeedMetrics } from '../feed-metrics.js';
import { FeedReader } from '../feed-reader.js';
import { FollowerLimit } from '../follower-limit.js';
import { ChangeEncoder } from './change-encoder.js';
import { ChangeStream } from './change-stream.js';
import { EventStream } from './event-stream.js';

/** Proxies and load balancers close idle connections after a minute, some after 30 s. */
const HEARTBEAT_MS = 15_000;

export interface StreamRequest {
  /** undefined: from now on. */
  readonly after: FeedPosition | undefined;
  readonly filter: ChangeFilter;
}

/** The response that a stream is written to. */
export interface StreamTarget {
  /** Must be called right before the response is written to. */
  readonly hijack: () => { response: ServerResponse; headers: OutgoingHttpHeaders };
}

@Injectable()
export class ChangeStreams {
  readonly #encoder = new ChangeEncoder();
  readonly #open = new Set<ChangeStream>();
  #cancelHeartbeat = () => {};
  #isStopped = false;

  constructor(
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    private readonly reader: FeedReader,
    private readonly hub: FeedHub,
    private readonly limit: FollowerLimit,
    private readonly metrics: FeedMetrics,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#scheduleHeartbeat();
  }

  /** Rejects, before anything is written, with a problem or StoreUnavailableError. Resolves when live or ended. */
  async open({ after, filter }: StreamRequest, target: StreamTarget): Promise<void> {
    const { feed, reader, hub, metrics, log } = this;
    const release = this.limit.acquire('stream');
    let position: FeedPosition;
    try {
      const end = await feed.end();
      position = after ?? end;
      // A client may reconnect before the server is closed.
      if (this.#isStopped) throw stoppingProblem();
    } catch (error) {
      release();
      throw error;
    }
    const { response, headers } = target.hijack();
    const stream = new EventStream(response, headers, () => {
      release();
      changes.leave();
      this.#open.delete(changes);
    });
    const changes = new ChangeStream({
      stream,
      after: position,
      filter,
      feed,
      reader,
      hub,
      encoder: this.#encoder,
      metrics,
      log,
    });
    this.#open.add(changes);
    await changes.start();
  }

  /** Ends all streams. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelHeartbeat();
    for (const stream of this.#open) stream.end();
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.clock.after(HEARTBEAT_MS, () => {
      for (const stream of this.#open) stream.heartbeat();
      this.#scheduleHeartbeat();
    });
  }
}
