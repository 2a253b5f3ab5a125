// Answers who is there, as it was last announced: an answer agrees with every other one, with the counts and with the
// feed, and time takes effect through the deadline worker for all of them at once.
import type { ParticipantId } from './domain/lifecycle-event.js';
import type {
  Occupancy,
  PageCursor,
  PageFilter,
  PageItem,
  PresenceStore,
  Snapshot,
  StoredRecord,
  TagOccupancy,
} from './presence-store.js';
import { SharedLoads } from './shared-loads.js';
import { SharedReads } from './shared-reads.js';

/** `next`: where the page after this one begins; null: there is none. */
interface Page<T, C> extends Snapshot<T> {
  readonly next: C | null;
}

export class PresenceReader {
  readonly #store: PresenceStore;
  readonly #loads: SharedLoads;
  readonly #occupancies = new SharedReads<Occupancy>();

  constructor(store: PresenceStore) {
    this.#store = store;
    this.#loads = new SharedLoads(store);
  }

  /** In the order asked; null: never heard of, or forgotten. Rejects with StoreUnavailableError, like all of these. */
  find(participantIds: readonly ParticipantId[]): Promise<(StoredRecord | null)[]> {
    return this.#loads.load(participantIds);
  }

  async list(filter: PageFilter, after: PageCursor | null, limit: number): Promise<Page<PageItem, PageCursor>> {
    return cut(await this.#store.page(filter, after, limit + 1), limit);
  }

  occupancy(tag?: string): Promise<Occupancy> {
    return this.#occupancies.ask(tag ?? '', () => this.#store.occupancy(tag));
  }

  async tags(after: string | null, limit: number): Promise<Page<TagOccupancy, TagOccupancy>> {
    return cut(await this.#store.tags(after, limit + 1), limit);
  }
}

/** The page, of one item more than it has: that one tells whether there is another page. */
function cut<T>({ items: found, position }: Snapshot<T>, limit: number): Page<T, T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1) ?? null) : null, position };
}
