// The store port on one SQLite file, for a service that runs as one process and wants no Redis. Every commit is
// synced to the disk before it is answered: WAL with synchronous=FULL, one transaction, and so one sync, a batch.
import type Database from 'libsql';
import type { Logger } from 'pino';
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import type { FeedPosition } from '../feed-position.js';
import { mergePages } from '../page-order.js';
import {
  type Changeset,
  type Due,
  type FeedEntry,
  type FeedLimits,
  type Group,
  type Occupancy,
  type OccupancyFilter,
  type PageCursor,
  type PageFilter,
  type PageItem,
  type PresenceStore,
  type Snapshot,
  type StoredRecord,
  type StoreOperation,
  StoreUnavailableError,
  type TagOccupancy,
} from '../ports.js';
import { RefusalLog } from '../refusal-log.js';
import { openDatabase } from './open-database.js';
import { refusalOf } from './refusal.js';
import { SqliteFeed } from './sqlite-feed.js';
import type { Statements } from './statements.js';

const NOBODY: Occupancy = { connected: 0, reconnecting: 0, devices: 0 };
/** The key of nobody. */
const NOBODYS_KEY = '' as SubjectKey;
const BEGINNING: PageCursor = { sinceMs: Number.MIN_SAFE_INTEGER, key: NOBODYS_KEY };

export class SqlitePresenceStore implements PresenceStore {
  readonly description: string;
  readonly #db: Database.Database;
  readonly #statements: Statements;
  readonly #feed: SqliteFeed;
  readonly #refusals: RefusalLog;
  /** Participants; undefined until it is asked for. */
  #size: number | undefined;

  /** Opens the file in `dataDir`, or makes both. Throws StartError. */
  constructor(dataDir: string, log: Logger) {
    this.#refusals = new RefusalLog(log, 'SQLite');
    const { db, file, statements } = openDatabase(dataDir);
    this.description = `SQLite at ${file}`;
    this.#db = db;
    this.#statements = statements;
    this.#feed = new SqliteFeed(this.#statements);
  }

  async load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null)[]> {
    try {
      return keys.map((key) => (this.#statements.load.get(key) as [string] | undefined)?.[0] ?? null);
    } catch (error) {
      throw this.#unavailable('store callbacks', error);
    }
  }

  async commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]> {
    try {
      const outcomes = this.#inTransaction(() => this.#apply(changesets));
      this.#refusals.accepted('store callbacks');
      if (this.#size !== undefined) this.#size += growthOf(changesets, outcomes);
      this.#feed.wake();
      return outcomes;
    } catch (error) {
      const failure = this.#unavailable('store callbacks', error, changesets.length);
      return changesets.map(() => failure);
    }
  }

  page(filter: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>> {
    const { states, source, group } = filter;
    const cursor = after ?? BEGINNING;
    const { pageOfState, pageOfGroup } = this.#statements;
    return this.#attempt('read participants', () => {
      const pages = this.#sourcesOf(source).flatMap((one) =>
        states.map((state) => {
          const rest = [state, cursor.sinceMs, cursor.key, limit] as const;
          const rows = group ? pageOfGroup[group.kind].all(one, group.name, ...rest) : pageOfState.all(one, ...rest);
          return (rows as [SubjectKey, number, string][]).map(([key, sinceMs, record]) => ({ key, sinceMs, record }));
        }),
      );
      return { items: mergePages(pages, limit), position: this.#feed.position() };
    });
  }

  occupancy({ source, group }: OccupancyFilter): Promise<Occupancy> {
    return this.#attempt('read occupancy', () => {
      const name = group ? `${group.kind}:${group.name}` : '';
      const rows = this.#statements.occupancy.all(name) as [SourceName, number, number, number][];
      const wanted = rows.filter(([one]) => source === undefined || one === source);
      return wanted.reduce(
        (total, [, connected, reconnecting, devices]) => ({
          connected: total.connected + connected,
          reconnecting: total.reconnecting + reconnecting,
          devices: total.devices + devices,
        }),
        NOBODY,
      );
    });
  }

  tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    const { tags, tagsOfSource } = this.#statements;
    return this.#attempt('read tags', () => {
      const range = [after ?? '', limit] as const;
      const found = source === undefined ? tags.all(...range) : tagsOfSource.all(source, ...range);
      const rows = found as [string, number, number, number][];
      const items = rows.map(([tag, connected, reconnecting, devices]) => ({ tag, connected, reconnecting, devices }));
      return { items, position: this.#feed.position() };
    });
  }

  sources(): Promise<SourceName[]> {
    return this.#attempt('read participants', () => this.#sourcesOf(undefined));
  }

  due(nowMs: number, limit: number): Promise<Due> {
    return this.#attempt('read deadlines', () => {
      const due = this.#statements.due.all(nowMs, limit) as [SubjectKey][];
      const [nextDueMs = null] = (this.#statements.nextDue.get(nowMs) as [number] | undefined) ?? [];
      return { keys: due.map(([key]) => key), nextDueMs };
    });
  }

  size(): Promise<number> {
    return this.#attempt('read participants', () => {
      // SQLite counts rows one by one. Nobody else writes to this file, so that once is enough.
      this.#size ??= (this.#statements.size.get() as unknown as [number])[0];
      return this.#size;
    });
  }

  position(): Promise<FeedPosition> {
    return this.#attempt('read the change feed', () => this.#feed.position());
  }

  changes(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    return this.#attempt('read the change feed', () => this.#feed.changes(after, limit));
  }

  changed(after: FeedPosition, signal: AbortSignal): Promise<void> {
    return this.#attempt('read the change feed', () => this.#feed.changed(after, signal));
  }

  trim(limits: FeedLimits): Promise<boolean> {
    return this.#attempt('trim the change feed', () => this.#feed.trim(limits));
  }

  async bind(ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    try {
      const [known] = (this.#statements.boundTo.get(ref) as [SubjectKey] | undefined) ?? [];
      if (known !== undefined) return known;
      this.#statements.unbind.run(Date.now());
      this.#statements.bind.run(ref, key, untilMs);
      return key;
    } catch (error) {
      throw this.#unavailable('store callbacks', error);
    }
  }

  check(): Promise<void> {
    return this.#attempt('store callbacks', () => {
      this.#statements.load.get(NOBODYS_KEY);
      this.#inTransaction(() => this.#probe());
    });
  }

  async close(): Promise<void> {
    this.#feed.wake();
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }

  /** Each source has rows of its own in every index. */
  #sourcesOf(source: SourceName | undefined): SourceName[] {
    if (source !== undefined) return [source];
    return (this.#statements.sources.all() as [SourceName][]).map(([name]) => name);
  }

  #inTransaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has ended the transaction already, and that must not hide why.
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Writes what a commit writes, to every table that it writes to, and takes it out again. */
  #probe(): void {
    const { check, insert, forget, removeEntry } = this.#statements;
    check.run();
    insert.run(NOBODYS_KEY, '', '', 'gone', 0, null, null, null, 0, 0);
    forget.run(NOBODYS_KEY, '');
    const id = this.#feed.add(['']);
    removeEntry.run(id);
  }

  #apply(changesets: readonly Changeset[]): ('done' | 'conflict')[] {
    const isDone = changesets.map((changeset) => this.#write(changeset));
    this.#feed.add(changesets.flatMap(({ changes }, index) => (isDone[index] && changes !== null ? [changes] : [])));
    return isDone.map((done) => (done ? 'done' : 'conflict'));
  }

  /** Whether the record was still as it was loaded. */
  #write({ key, before, after }: Changeset): boolean {
    const { insert, update, forget } = this.#statements;
    if (!after) return !before || forget.run(key, before.record).changes === 1;
    const { source, state, sinceMs, groups, devices, dueMs } = after.index;
    const nameOf = (wanted: Group['kind']) => groups.find(({ kind }) => kind === wanted)?.name ?? null;
    const tag = nameOf('tag');
    if (before) return update.run(after.record, state, sinceMs, tag, devices, dueMs, key, before.record).changes === 1;
    const place = [tag, nameOf('scope'), nameOf('id')] as const;
    return insert.run(key, after.record, source, state, sinceMs, ...place, devices, dueMs).changes === 1;
  }

  async #attempt<T>(operation: StoreOperation, work: () => T | Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#refusals.accepted(operation);
      return result;
    } catch (error) {
      throw this.#unavailable(operation, error);
    }
  }

  #unavailable(operation: StoreOperation, cause: unknown, count = 1): StoreUnavailableError {
    const refusal = refusalOf(cause);
    // What is asked after the end is refused to nobody.
    if (this.#db.open) this.#refusals.refused(operation, refusal, count);
    return new StoreUnavailableError(`SQLite: ${refusal.reason}`, { cause });
  }
}

function growthOf(changesets: readonly Changeset[], outcomes: readonly ('done' | 'conflict')[]): number {
  const done = changesets.filter((_, index) => outcomes[index] === 'done');
  return done.filter(({ after }) => after).length - done.filter(({ before }) => before).length;
}
