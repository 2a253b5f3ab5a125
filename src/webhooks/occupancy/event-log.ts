// The occupancy events as endpoints read them: the newest from memory, so that many endpoints do not read the same from the store,
// and older ones from the store. On the process that derives them.
import type { OccupancyEventStore } from '../../storage/webhook-ports.js';
import { decodeEvent, type NumberedEvent } from './occupancy-event.js';

const MAX_RECENT = 1_000;
const PAGE_SIZE = 100;

export interface EventPage {
  readonly events: readonly NumberedEvent[];
  /** How many events right after the number that was asked for have been dropped. */
  readonly missed: number;
}

export class EventLog {
  #newest: number;
  #recent: NumberedEvent[] = [];
  readonly #listeners = new Set<() => void>();

  private constructor(
    private readonly store: OccupancyEventStore,
    newest: number,
  ) {
    this.#newest = newest;
  }

  /** Rejects with StoreUnavailableError. */
  static async open(store: OccupancyEventStore): Promise<EventLog> {
    return new EventLog(store, await store.newestNumber());
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
    const events =
      first && first.number <= number + 1
        ? this.#recent.slice(number + 1 - first.number).slice(0, PAGE_SIZE)
        : (await this.store.events(number, PAGE_SIZE)).map(decodeEvent);
    const missed = (events[0]?.number ?? this.#newest + 1) - number - 1;
    return { events, missed };
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
