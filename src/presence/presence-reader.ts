// Answers who is there, as it was last announced: an answer agrees with every other one, with the counts and with the
// feed, and time takes effect through the deadline worker for all of them at once.
import type { ParticipantId } from './domain/lifecycle-event.js';
import type { ParticipantRecord } from './domain/participant.js';
import {
  type Occupancy,
  type PageCursor,
  type PageFilter,
  type PresenceStore,
  type Snapshot,
  StoreUnavailableError,
  type TagOccupancy,
} from './presence-store.js';
import { decodeRecord } from './record-codec.js';

/** `next`: where the page after this one begins; null: there is none. */
interface Page<T, C> extends Snapshot<T> {
  readonly next: C | null;
}

export class PresenceReader {
  constructor(private readonly store: PresenceStore) {}

  /** In the order asked; undefined: never heard of, or forgotten. Rejects with StoreUnavailableError, like all of these. */
  async find(participantIds: readonly ParticipantId[]): Promise<(ParticipantRecord | undefined)[]> {
    const texts = await this.store.load(participantIds);
    return participantIds.map((participantId, index) => {
      const text = texts[index] ?? null;
      if (text instanceof StoreUnavailableError) throw text;
      return text === null ? undefined : decodeRecord(participantId, text);
    });
  }

  async list(
    filter: PageFilter,
    after: PageCursor | null,
    limit: number,
  ): Promise<Page<ParticipantRecord, PageCursor>> {
    const { items, ...rest } = cut(await this.store.page(filter, after, limit + 1), limit);
    return { items: items.map(({ participantId, record }) => decodeRecord(participantId, record)), ...rest };
  }

  occupancy(tag?: string): Promise<Occupancy> {
    return this.store.occupancy(tag);
  }

  async tags(after: string | null, limit: number): Promise<Page<TagOccupancy, TagOccupancy>> {
    return cut(await this.store.tags(after, limit + 1), limit);
  }
}

/** The page, of one item more than it has: that one tells whether there is another page. */
function cut<T>({ items: found, position }: Snapshot<T>, limit: number): Page<T, T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1) ?? null) : null, position };
}
