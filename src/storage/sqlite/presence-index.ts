// The presence index in SQLite: indexed columns of the participants table, and counts kept by triggers.
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import { mergePages } from '../page-order.js';
import type {
  Occupancy,
  OccupancyFilter,
  PageCursor,
  PageFilter,
  PageItem,
  PresenceIndex,
  Snapshot,
  TagOccupancy,
} from '../ports.js';
import type { SqliteFeedStore } from './feed-store.js';
import type { SqliteLabelIndex } from './label-index.js';
import type { SqliteDatabase } from './sqlite-database.js';
import type { Statements } from './statements.js';

const EMPTY: Occupancy = { connected: 0, reconnecting: 0, devices: 0, available: 0, busy: 0 };
/** In the order of the columns. */
type Counts = [connected: number, reconnecting: number, devices: number, available: number, busy: number];

const START: PageCursor = { sinceMs: Number.MIN_SAFE_INTEGER, key: '' as SubjectKey };

export class SqlitePresenceIndex implements PresenceIndex {
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;
  readonly #labels: SqliteLabelIndex;
  readonly #feed: SqliteFeedStore;

  constructor(database: SqliteDatabase, labels: SqliteLabelIndex, feed: SqliteFeedStore) {
    this.#labels = labels;
    this.#database = database;
    this.#statements = database.statements;
    this.#feed = feed;
  }

  async page(filter: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>> {
    const { states, availability, source, group } = filter;
    if (group) this.#labels.expectComplete(group);
    const cursor = after ?? START;
    const statements = this.#statements;
    const ofAll = availability ? statements.pageOfAvailability : statements.pageOfState;
    const ofGroup = availability ? statements.pageOfGroupAndAvailability : statements.pageOfGroup;
    return this.#database.attempt('read participants', () => {
      const pages = this.#sourcesOf(source).flatMap((one) =>
        (availability ? [availability] : states).map((value) => {
          const rest = [value, cursor.sinceMs, cursor.key, limit] as const;
          const rows = group ? ofGroup[group.kind].all(one, group.name, ...rest) : ofAll.all(one, ...rest);
          return (rows as [SubjectKey, number, string][]).map(([key, sinceMs, record]) => ({ key, sinceMs, record }));
        }),
      );
      return { items: mergePages(pages, limit), position: this.#feed.position };
    });
  }

  async occupancy({ source, group }: OccupancyFilter): Promise<Occupancy> {
    if (group) this.#labels.expectComplete(group);
    return this.#database.attempt('read occupancy', () => {
      const name = group ? `${group.kind}:${group.name}` : '';
      const rows = this.#statements.occupancy.all(name) as [SourceName, ...Counts][];
      const wanted = rows.filter(([one]) => source === undefined || one === source);
      return wanted.reduce((total, [, ...counts]) => added(total, toOccupancy(counts)), EMPTY);
    });
  }

  tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    const { tags, tagsOfSource } = this.#statements;
    return this.#database.attempt('read tags', () => {
      const range = [after ?? '', limit] as const;
      const found = source === undefined ? tags.all(...range) : tagsOfSource.all(source, ...range);
      const rows = found as [string, ...Counts][];
      const items = rows.map(([tag, ...counts]) => ({ tag, ...toOccupancy(counts) }));
      return { items, position: this.#feed.position };
    });
  }

  sources(): Promise<SourceName[]> {
    return this.#database.attempt('read participants', () => this.#sourcesOf(undefined));
  }

  /** Every index starts with the source, so a query without a source runs once per source. */
  #sourcesOf(source: SourceName | undefined): SourceName[] {
    if (source !== undefined) return [source];
    return (this.#statements.sources.all() as [SourceName][]).map(([name]) => name);
  }
}

function toOccupancy([connected, reconnecting, devices, available, busy]: Counts): Occupancy {
  return { connected, reconnecting, devices, available, busy };
}

function added(a: Occupancy, b: Occupancy): Occupancy {
  return {
    connected: a.connected + b.connected,
    reconnecting: a.reconnecting + b.reconnecting,
    devices: a.devices + b.devices,
    available: a.available + b.available,
    busy: a.busy + b.busy,
  };
}
