// Reads the occupancy events for one endpoint, as long as the queue has room. An endpoint that wants none moves on all the same, so
// that it gets no old ones if it wants some later.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import { delay } from '../../runtime/delay.js';
import { StoreUnavailableError } from '../../storage/ports.js';
import type { EndpointFilter } from '../endpoint.js';
import type { EventLog } from '../occupancy/event-log.js';
import { OCCUPANCY_EVENT_TYPES, wantsEvent, wantsType } from '../occupancy/occupancy-event.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { WaitingEvent } from './message.js';

/** While the store is unavailable. */
const RETRY_MS = 250;

export interface EventParts {
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Logger;
}

export class EventConsumer {
  readonly #stopping = new AbortController();
  #isWoken = false;
  #wake = () => {};
  #stopListening = () => {};
  #ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly queue: DeliveryQueue,
    private readonly parts: EventParts,
    private readonly filter: EndpointFilter,
    /** Called when the queue has more. */
    private readonly onMore: () => void,
  ) {}

  start(): void {
    this.#stopListening = this.parts.events.onMore(() => this.#notice());
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopListening();
    this.#stopping.abort();
    this.#notice();
    await this.#ended;
  }

  /** Must be called when the queue may have room. */
  queueChanged(): void {
    if (!this.queue.isFull) this.#notice();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (this.queue.isFull || !(await this.#readOn())) await this.#untilWoken();
      } catch (error) {
        // The store logs itself when it is unavailable.
        if (!(error instanceof StoreUnavailableError))
          this.parts.log.error({ err: error }, 'a webhook cannot follow the occupancy events');
        await delay(this.parts.clock, RETRY_MS, signal);
      }
    }
  }

  /** Resolves with whether there were any. */
  async #readOn(): Promise<boolean> {
    const { events: log, clock } = this.parts;
    const after = this.queue.eventCursor;
    const { events, missed } = await log.after(after);
    if (this.#stopping.signal.aborted || (events.length === 0 && missed === 0)) return false;
    const wanted: WaitingEvent[] = events.filter((event) => wantsEvent(this.filter, event));
    const isGapWanted = missed > 0 && OCCUPANCY_EVENT_TYPES.some((type) => wantsType(this.filter, type));
    if (isGapWanted) wanted.unshift(gapOf(after + missed, missed, clock.now()));
    this.queue.addEvents(wanted, events.at(-1)?.number ?? after + missed);
    if (wanted.length > 0) this.onMore();
    return true;
  }

  #notice(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** At once if it was woken since the last time. */
  async #untilWoken(): Promise<void> {
    if (!this.#isWoken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isWoken = false;
  }
}

function gapOf(number: number, missed: number, atMs: number): WaitingEvent {
  return { type: 'occupancy.gap', key: 'occupancy.gap', number, atMs, data: { type: 'occupancy.gap', missed } };
}
