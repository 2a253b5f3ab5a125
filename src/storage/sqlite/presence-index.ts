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
import type { SqliteDatabase } from './sqlite-database.js';
import type { Statements } from './statements.js';

const EMPTY: Occupancy = { connected: 0, reconnecting: 0, devices: 0 };
const START: PageCursor = { sinceMs: Number.MIN_SAFE_INTEGER, key: '' as SubjectKey };

export class SqlitePresenceIndex implements PresenceIndex {
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;
  readonly #feed: SqliteFeedStore;

  constructor(database: SqliteDatabase, feed: SqliteFeedStore) {
    this.#database = database;
    this.#statements = database.statements;
    this.#feed = feed;
  }

  page(filter: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>> {
    const { states, source, group } = filter;
    const cursor = after ?? START;
    const { pageOfState, pageOfGroup } = this.#statements;
    return this.#database.attempt('read participants', () => {
      const pages = this.#sourcesOf(source).flatMap((one) =>
        states.map((state) => {
          const rest = [state, cursor.sinceMs, cursor.key, limit] as const;
          const rows = group ? pageOfGroup[group.kind].all(one, group.name, ...rest) : pageOfState.all(one, ...rest);
          return (rows as [SubjectKey, number, string][]).map(([key, sinceMs, record]) => ({ key, sinceMs, record }));
        }),
      );
      return { items: mergePages(pages, limit), position: this.#feed.position };
    });
  }

  occupancy({ source, group }: OccupancyFilter): Promise<Occupancy> {
    return this.#database.attempt('read occupancy', () => {
      const name = group ? `${group.kind}:${group.name}` : '';
      const rows = this.#statements.occupancy.all(name) as [SourceName, number, number, number][];
      const wanted = rows.filter(([one]) => source === undefined || one === source);
      return wanted.reduce(
        (total, [, connected, reconnecting, devices]) => ({
          connected: total.connected + connected,
          reconnecting: total.reconnecting + reconnecting,
          devices: total.devices + devices,
        }),
        EMPTY,
      );
    });
  }

  tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    const { tags, tagsOfSource } = this.#statements;
    return this.#database.attempt('read tags', () => {
      const range = [after ?? '', limit] as const;
      const found = source === undefined ? tags.all(...range) : tagsOfSource.all(source, ...range);
      const rows = found as [string, number, number, number][];
      const items = rows.map(([tag, connected, reconnecting, devices]) => ({ tag, connected, reconnecting, devices }));
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
