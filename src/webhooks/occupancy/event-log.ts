// The occupancy events as endpoints read them: the newest from memory, so that many endpoints do not read the same from the store,
// and older ones from the store. On the process that derives them.
import type { Logger } from 'pino';
import { DeduplicatedLog } from '../../observability/deduplicated-log.js';
import type { OccupancyEventStore } from '../../storage/webhook-ports.js';
import { decodeEvent, type NumberedEvent } from './occupancy-event.js';

const MAX_RECENT = 1_000;
const PAGE_SIZE = 100;

export interface EventPage {
  readonly events: readonly NumberedEvent[];
  /** How many events right after the number that was asked for have been dropped, or cannot be decoded. */
  readonly missed: number;
}

export class EventLog {
  #newest: number;
  #recent: NumberedEvent[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #undecodable: DeduplicatedLog;

  private constructor(
    private readonly store: OccupancyEventStore,
    newest: number,
    log: Logger,
  ) {
    this.#newest = newest;
    this.#undecodable = new DeduplicatedLog(log, 'an occupancy event cannot be decoded; it counts as missed');
  }

  /** Rejects with StoreUnavailableError. */
  static async open(store: OccupancyEventStore, log: Logger): Promise<EventLog> {
    return new EventLog(store, await store.newestNumber(), log);
  }

  /** The number of the newest event. */
  get newest(): number {
    return this.#newest;
  }

  /** Reads how many there are in the store. Numbers never go back, even if it has lost some. Rejects with StoreUnavailableError. */
  async catchUp(): Promise<void> {
    const newest = await this.store.newestNumber();
    if (newest <= this.#newest) return;
    this.#newest = newest;
    this.#recent = [];
    this.#notify();
  }

  /** They are stored. */
  append(events: readonly NumberedEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    this.#newest = last.number;
    this.#recent = [...this.#recent, ...events].slice(-MAX_RECENT);
    this.#notify();
  }

  /** `listener` is called when there are more events. Returns how to stop that. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Some events after this number, in order; none: there are no more. Rejects with StoreUnavailableError. */
  async after(number: number): Promise<EventPage> {
    if (number >= this.#newest) return { events: [], missed: 0 };
    const [first] = this.#recent;
    if (first && first.number <= number + 1)
      return { events: this.#recent.slice(number + 1 - first.number).slice(0, PAGE_SIZE), missed: 0 };
    return this.#storedAfter(number);
  }

  /** The page ends before one that cannot be decoded. */
  async #storedAfter(number: number): Promise<EventPage> {
    const newest = this.#newest;
    const stored = await this.store.events(number, PAGE_SIZE);
    const events: NumberedEvent[] = [];
    for (const one of stored) {
      const event = decodeEvent(one);
      if (!event) this.#undecodable.error(String(one.number), { event: one.number });
      if (!event && events.length > 0) break;
      if (event) events.push(event);
    }
    const [next] = events;
    const last = stored.at(-1)?.number ?? newest;
    return { events, missed: (next ? next.number - 1 : last) - number };
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
