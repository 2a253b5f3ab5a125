// One client's stream of changes: first what it has missed, page by page and no faster than it reads, then live.
import type { Logger } from 'pino';
import { type FeedPosition, formatPosition } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { catchUp } from '../catch-up.js';
import type { ChangeFilter } from '../change-filter.js';
import type { FeedHub } from '../feed-hub.js';
import type { FeedReader } from '../feed-reader.js';
import { Follower, type PlacedChange } from '../follower.js';
import type { ChangeTexts } from './change-text.js';
import { BEAT, type EventStream, eventText, retryText } from './event-stream.js';

/** When the stream ends, clients come back after this long. */
const RETRY_MS = 3_000;
/** When the service stops, its clients come back to others between these times, not all at once. */
const RETRY_RANGE_MS = [1_000, 10_000] as const;
/** How many beats in a row a client may be waited for that does not read what it has missed. */
const MOST_STALLED_BEATS = 2;

interface Parts {
  readonly stream: EventStream;
  readonly after: FeedPosition;
  readonly filter: ChangeFilter;
  readonly feed: FeedStore;
  readonly reader: FeedReader;
  readonly hub: FeedHub;
  readonly texts: ChangeTexts;
  readonly log: Logger;
}

export class ChangeStream {
  readonly #stream: EventStream;
  readonly #feed: FeedStore;
  readonly #reader: FeedReader;
  readonly #hub: FeedHub;
  readonly #texts: ChangeTexts;
  readonly #log: Logger;
  readonly #follower: Follower;
  /** The newest position that the client was told. */
  #told: FeedPosition | undefined;
  #stalledBeats = 0;
  #isCatchingUp = true;

  constructor({ stream, after, filter, feed, reader, hub, texts, log }: Parts) {
    this.#stream = stream;
    this.#feed = feed;
    this.#reader = reader;
    this.#hub = hub;
    this.#texts = texts;
    this.#log = log;
    this.#follower = new Follower(after, filter, {
      onChanges: (changes) => this.#send(changes),
      onGone: () => void this.#reset(),
    });
  }

  /** Resolves when it is live, or has ended. */
  async begin(): Promise<void> {
    this.#stream.write(retryText(RETRY_MS));
    try {
      const source = { reader: this.#reader, hub: this.#hub };
      const outcome = await catchUp(this.#follower, source, {
        isThere: () => this.#stream.isOpen,
        untilRead: () => this.#untilRead(),
      });
      this.#isCatchingUp = false;
      if (outcome === 'gone') await this.#reset();
    } catch (error) {
      this.#log.debug({ reason: (error as Error).message }, 'a stream of changes ended');
      this.#stream.end('');
    }
  }

  /** To be called every now and then while the stream is open. */
  beat(): void {
    this.#stalledBeats = this.#isCatchingUp && this.#stream.isFull ? this.#stalledBeats + 1 : 0;
    if (this.#stalledBeats > MOST_STALLED_BEATS) this.#cut();
    else if (this.#follower.position === this.#told) this.#write(BEAT);
    else this.#tell(this.#follower.position);
  }

  /** The service stops. */
  end(): void {
    this.leave();
    const [leastMs, mostMs] = RETRY_RANGE_MS;
    this.#stream.end(retryText(leastMs + (mostMs - leastMs) * Math.random()));
  }

  /** Nothing more is to come. */
  leave(): void {
    this.#hub.leave(this.#follower);
  }

  /** Tells how far a page went, also when nothing in it was wanted: who is cut now resumes from there. */
  async #untilRead(): Promise<void> {
    if (this.#told !== this.#follower.position) this.#tell(this.#follower.position);
    await this.#stream.drained();
  }

  #send(changes: readonly PlacedChange[]): void {
    this.#write(this.#texts.of(changes));
    this.#told = changes.at(-1)?.position ?? this.#told;
  }

  #tell(position: FeedPosition): void {
    const id = formatPosition(position);
    this.#write(eventText('position', id, JSON.stringify({ position: id })));
    this.#told = position;
  }

  /** The client is to list again; what comes after this position it gets when it comes back. */
  async #reset(): Promise<void> {
    this.leave();
    try {
      const position = formatPosition(await this.#feed.end());
      this.#stream.end(eventText('reset', position, JSON.stringify({ position })));
    } catch {
      // It will be told when it comes back with the position that is gone.
      this.#stream.end('');
    }
  }

  #write(text: string | Buffer): void {
    if (!this.#stream.write(text)) this.#cut();
  }

  #cut(): void {
    this.leave();
    this.#stream.cut();
    this.#log.warn('a stream of changes was cut: its client reads too slowly');
  }
}
