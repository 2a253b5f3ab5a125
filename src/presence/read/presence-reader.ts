// Reads presence as last announced, so that participants, counts and the feed always agree. Elapsed time takes effect
// only through the deadline worker, for all of them at once.
import { Inject, Injectable } from '@nestjs/common';
import type { Availability } from '../../domain/availability.js';
import { hasLabels, type Labels, labelsOf, NO_LABELS } from '../../domain/labels.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import type { ParticipantState } from '../../domain/presence-view.js';
import type { ParticipantId, SourceName, Subject } from '../../domain/subject.js';
import { readableRecord } from '../../storage/encoding/record-codec.js';
import { keyOf } from '../../storage/encoding/subject-key.js';
import { labelGroup } from '../../storage/label-index.js';
import { comparePageItems } from '../../storage/page-order.js';
import type {
  FeedStore,
  Group,
  Occupancy,
  OccupancyFilter,
  PageCursor,
  PageFilter,
  PageItem,
  PresenceIndex,
  RecordStore,
  Snapshot,
  StoredRecord,
  TagOccupancy,
} from '../../storage/ports.js';
import { FEED_STORE, PRESENCE_INDEX, RECORD_STORE } from '../../storage/tokens.js';
import { SharedLoads } from './shared-loads.js';
import { SharedReads } from './shared-reads.js';

/** Participants examined per request if a filter has no index. */
const MAX_SCANNED = 10_000;
const SCAN_PAGE_SIZE = 1_000;

/** Undefined members match everything. */
export interface ListFilter {
  readonly states: readonly ParticipantState[];
  readonly source?: SourceName | undefined;
  readonly scope?: string | undefined;
  readonly tag?: string | undefined;
  /** All of them. */
  readonly labels?: Labels | undefined;
  readonly participantId?: ParticipantId | undefined;
  readonly isDoubtful?: boolean | undefined;
  /** If it is known, only connected participants match. */
  readonly availability?: Availability | undefined;
}

/** `next`: the cursor of the next page; null: this is the last one. */
interface Page<T, C> extends Snapshot<T> {
  readonly next: C | null;
}

@Injectable()
export class PresenceReader {
  readonly #index: PresenceIndex;
  readonly #feed: FeedStore;
  readonly #loads: SharedLoads;
  readonly #occupancies = new SharedReads<Occupancy>();

  constructor(
    @Inject(RECORD_STORE) records: RecordStore,
    @Inject(PRESENCE_INDEX) index: PresenceIndex,
    @Inject(FEED_STORE) feed: FeedStore,
  ) {
    this.#loads = new SharedLoads(records);
    this.#index = index;
    this.#feed = feed;
  }

  /** In the order of `subjects`; null: unknown or forgotten. Like all methods here, rejects with StoreUnavailableError. */
  find(subjects: readonly Subject[]): Promise<(StoredRecord | null)[]> {
    return this.#loads.load(subjects.map(keyOf));
  }

  /**
   * A page may have fewer than `limit` items although there is a next page, if the filter combines several of scope, tag and labels, or
   * has `isDoubtful` or an unknown availability. With a known availability, and no id, it is sorted by when that began.
   * With labels, rejects with LabelsNotIndexedError if the index is not complete.
   */
  async list(filter: ListFilter, after: PageCursor | null, limit: number): Promise<Page<PageItem, PageCursor>> {
    if (filter.participantId !== undefined) return this.#listById(filter, filter.participantId, after, limit);
    return this.#listIn(filter, groupOf(filter), after, limit);
  }

  occupancy(filter: OccupancyFilter): Promise<Occupancy> {
    return this.#occupancies.read(JSON.stringify(filter), () => this.#index.occupancy(filter));
  }

  async tags(
    source: SourceName | undefined,
    after: string | null,
    limit: number,
  ): Promise<Page<TagOccupancy, TagOccupancy>> {
    return toPage(await this.#index.tags(source, after, limit + 1), limit);
  }

  /**
   * Records are scanned for what has no index: doubt, unknown availability, and tag and labels that are not the group. Few records
   * have the same id: they are sorted by when their presence began.
   */
  async #listIn(filter: ListFilter, group: Group | undefined, after: PageCursor | null, limit: number) {
    const { states, source, isDoubtful, availability } = filter;
    const known = availability === 'unknown' || group?.kind === 'id' ? undefined : availability;
    const pageFilter = { states, source, group, availability: known };
    const isIndexed = isDoubtful === undefined && availability === known && isOnlyGroup(filter, group);
    if (isIndexed) return toPage(await this.#index.page(pageFilter, after, limit + 1), limit);
    return this.#scan(pageFilter, (item) => isWanted(readableRecord(item.key, item.record), filter), after, limit);
  }

  async #scan(
    filter: PageFilter,
    isWanted: (item: PageItem) => boolean,
    after: PageCursor | null,
    limit: number,
  ): Promise<Page<PageItem, PageCursor>> {
    const first = await this.#index.page(filter, after, SCAN_PAGE_SIZE);
    const items: PageItem[] = [];
    let page = first;
    for (let scanned = SCAN_PAGE_SIZE; ; scanned += SCAN_PAGE_SIZE) {
      for (const item of page.items) if (isWanted(item)) items.push(item);
      const last = page.items.at(-1);
      if (items.length > limit || !last || page.items.length < SCAN_PAGE_SIZE) {
        return toPage({ items, position: first.position }, limit);
      }
      if (scanned >= MAX_SCANNED) return { items, next: last, position: first.position };
      page = await this.#index.page(filter, last, SCAN_PAGE_SIZE);
    }
  }

  /** Without a scope, an id may be that of several participants: the one that has no scope, and those of the `id` index. */
  async #listById(filter: ListFilter, participantId: ParticipantId, after: PageCursor | null, limit: number) {
    const { states, source, scope } = filter;
    const inScopes =
      scope === undefined
        ? await this.#listIn(filter, { kind: 'id', name: participantId }, after, limit)
        : { items: [], next: null, position: await this.#feed.end() };
    const sources = source === undefined ? await this.#index.sources() : [source];
    const keys = sources.map((one) => keyOf({ source: one, scope: scope ?? '', participantId }));
    const records = await this.#loads.load(keys);
    const found = keys.flatMap((key, n): PageItem[] => {
      const text = records[n] ?? null;
      const record = text === null ? undefined : readableRecord(key, text);
      if (text === null || !record || !states.includes(record.announced.state)) return [];
      if (!isWanted(record, filter)) return [];
      const item = { key, sinceMs: record.announced.sinceMs, record: text };
      const isOnThisPage = inScopes.next === null || comparePageItems(item, inScopes.next) <= 0;
      return isOnThisPage && (after === null || comparePageItems(item, after) > 0) ? [item] : [];
    });
    const items = [...inScopes.items, ...found].sort(comparePageItems);
    const { next } = inScopes;
    return items.length > limit ? toPage({ ...inScopes, items }, limit) : { ...inScopes, items, next };
  }
}

/** Whether the group is all that the filter says of scope, tag and labels. */
function isOnlyGroup({ tag, labels = NO_LABELS }: ListFilter, group: Group | undefined): boolean {
  const count = Number(tag !== undefined) + Object.keys(labels).length;
  return count === Number(group?.kind === 'tag' || group?.kind === 'label');
}

/** A group of the filter that is likely to be small. */
function groupOf({ scope, tag, labels = NO_LABELS }: ListFilter): Group | undefined {
  if (scope !== undefined) return { kind: 'scope', name: scope };
  const [label] = Object.entries(labels);
  if (label) return labelGroup(...label);
  return tag === undefined ? undefined : { kind: 'tag', name: tag };
}

function isWanted(
  record: ParticipantRecord | undefined,
  { tag, labels, isDoubtful, availability }: ListFilter,
): boolean {
  if (!record || (tag !== undefined && record.tag?.value !== tag)) return false;
  if (labels && !hasLabels(labelsOf(record.labels), labels)) return false;
  const { announced } = record;
  if (availability !== undefined && (announced.availability?.value ?? 'unknown') !== availability) return false;
  return isDoubtful === undefined || announced.isDoubtful === isDoubtful;
}

/** The snapshot was read with a limit of one more: an extra item shows that there is a next page. */
function toPage<T>({ items: found, position }: Snapshot<T>, limit: number): Page<T, T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1) ?? null) : null, position };
}
