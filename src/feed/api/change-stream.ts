// The change stream of one client: first the changes that it has missed, page by page and no faster than it reads them, then
// live changes.
import type { Logger } from 'pino';
import { type FeedPosition, formatPosition } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { catchUp } from '../catch-up.js';
import type { ChangeFilter } from '../change-filter.js';
import type { FeedHub } from '../feed-hub.js';
import type { FeedMetrics } from '../feed-metrics.js';
import type { FeedReader } from '../feed-reader.js';
import { Follower, type PositionedChange } from '../follower.js';
import type { ChangeEncoder } from './change-encoder.js';
import { type EventStream, formatEvent, formatRetry, HEARTBEAT } from './event-stream.js';

/** How long clients wait before they reconnect. */
const RETRY_MS = 3_000;
/** When the service stops, clients reconnect to other nodes at random times in this range, not all at once. */
const RETRY_RANGE_MS = [1_000, 10_000] as const;
/** A client that is catching up is disconnected if it is backed up for more consecutive heartbeats than this. */
const MAX_STALLED_HEARTBEATS = 2;

interface Parts {
  readonly stream: EventStream;
  readonly after: FeedPosition;
  readonly filter: ChangeFilter;
  readonly feed: FeedStore;
  readonly reader: FeedReader;
  readonly hub: FeedHub;
  readonly encoder: ChangeEncoder;
  readonly metrics: FeedMetrics;
  readonly log: Logger;
}

export class ChangeStream {
  readonly #stream: EventStream;
  readonly #feed: FeedStore;
  readonly #reader: FeedReader;
  readonly #hub: FeedHub;
  readonly #encoder: ChangeEncoder;
  readonly #metrics: FeedMetrics;
  readonly #log: Logger;
  readonly #follower: Follower;
  /** The newest position sent to the client. */
  #sentPosition: FeedPosition | undefined;
  #stalledHeartbeats = 0;
  #isCatchingUp = true;

  constructor({ stream, after, filter, feed, reader, hub, encoder, metrics, log }: Parts) {
    this.#stream = stream;
    this.#feed = feed;
    this.#reader = reader;
    this.#hub = hub;
    this.#encoder = encoder;
    this.#metrics = metrics;
    this.#log = log;
    this.#follower = new Follower(after, filter, {
      onChanges: (changes) => this.#send(changes),
      onGone: () => void this.#reset(),
    });
  }

  /** Resolves when the stream is live or has ended. */
  async start(): Promise<void> {
    this.#stream.write(formatRetry(RETRY_MS));
    try {
      const source = { reader: this.#reader, hub: this.#hub };
      const outcome = await catchUp(this.#follower, source, {
        isConnected: () => this.#stream.isOpen,
        drained: () => this.#drained(),
      });
      this.#isCatchingUp = false;
      if (outcome === 'gone') await this.#reset();
    } catch (error) {
      this.#log.debug({ reason: (error as Error).message }, 'a change stream has ended');
      this.#stream.end('');
    }
  }

  /** Must be called periodically while the stream is open. */
  heartbeat(): void {
    this.#stalledHeartbeats = this.#isCatchingUp && this.#stream.isBackedUp ? this.#stalledHeartbeats + 1 : 0;
    if (this.#stalledHeartbeats > MAX_STALLED_HEARTBEATS) this.#disconnect();
    else if (this.#follower.position === this.#sentPosition) this.#write(HEARTBEAT);
    else this.#sendPosition(this.#follower.position);
  }

  /** Ends the stream because the service is stopping. */
  end(): void {
    this.leave();
    const [minMs, maxMs] = RETRY_RANGE_MS;
    this.#stream.end(formatRetry(minMs + (maxMs - minMs) * Math.random()));
  }

  /** Stops sending changes. */
  leave(): void {
    this.#hub.leave(this.#follower);
  }

  /** Sends the position after each page even if no change matched, so that a disconnected client resumes from there. */
  async #drained(): Promise<void> {
    if (this.#sentPosition !== this.#follower.position) this.#sendPosition(this.#follower.position);
    await this.#stream.drained();
  }

  #send(changes: readonly PositionedChange[]): void {
    this.#write(this.#encoder.encode(changes));
    this.#sentPosition = changes.at(-1)?.position ?? this.#sentPosition;
  }

  #sendPosition(position: FeedPosition): void {
    const id = formatPosition(position);
    this.#write(formatEvent('position', id, JSON.stringify({ position: id })));
    this.#sentPosition = position;
  }

  /** Tells the client to list again. When it reconnects, it gets the changes after this position. */
  async #reset(): Promise<void> {
    this.leave();
    this.#metrics.reset();
    try {
      const position = formatPosition(await this.#feed.end());
      this.#stream.end(formatEvent('reset', position, JSON.stringify({ position })));
    } catch {
      // It gets the reset when it reconnects with the position that is gone.
      this.#stream.end('');
    }
  }

  #write(text: string | Buffer): void {
    if (!this.#stream.write(text)) this.#disconnect();
  }

  #disconnect(): void {
    this.leave();
    this.#stream.destroy();
    this.#metrics.slowClient();
    this.#log.warn('disconnected a change stream: its client reads too slowly');
  }
}
