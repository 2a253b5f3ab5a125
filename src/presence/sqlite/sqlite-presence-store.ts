// The store port on one SQLite file, for a service that runs as one process and wants no Redis. Every commit is
// synced to the disk before it is answered: WAL with synchronous=FULL, one transaction, and so one sync, a batch.
import type Database from 'libsql';
import type { Logger } from 'pino';
import { RefusalLog } from '../../platform/refusal-log.js';
import type { ParticipantId } from '../domain/lifecycle-event.js';
import type { FeedPosition } from '../feed-position.js';
import { mergePages } from '../page-order.js';
import {
  type Changeset,
  type Due,
  type FeedEntry,
  type FeedLimits,
  type Occupancy,
  type PageCursor,
  type PageFilter,
  type PageItem,
  type PresenceStore,
  type Snapshot,
  type StoredRecord,
  type StoreOperation,
  StoreUnavailableError,
  type TagOccupancy,
} from '../presence-store.js';
import { openDatabase } from './open-database.js';
import { refusalOf } from './refusal.js';
import { SqliteFeed } from './sqlite-feed.js';
import type { Statements } from './statements.js';

const NOBODY: Occupancy = { connected: 0, reconnecting: 0, devices: 0 };
/** The id of nobody. */
const NO_PARTICIPANT = '' as ParticipantId;
const BEGINNING: PageCursor = { sinceMs: Number.MIN_SAFE_INTEGER, participantId: NO_PARTICIPANT };

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

  async load(participantIds: readonly ParticipantId[]): Promise<(StoredRecord | null)[]> {
    try {
      return participantIds.map((id) => (this.#statements.load.get(id) as [string] | undefined)?.[0] ?? null);
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

  page({ states, tag }: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>> {
    const { sinceMs, participantId } = after ?? BEGINNING;
    const { pageOfState, pageOfTag } = this.#statements;
    return this.#attempt('read participants', () => {
      const pages = states.map((state) => {
        const cursor = [state, sinceMs, participantId, limit] as const;
        const rows = tag === undefined ? pageOfState.all(...cursor) : pageOfTag.all(tag, ...cursor);
        return (rows as [ParticipantId, number, string][]).map(([id, since, record]) => ({
          participantId: id,
          sinceMs: since,
          record,
        }));
      });
      return { items: mergePages(pages, limit), position: this.#feed.position() };
    });
  }

  occupancy(tag = ''): Promise<Occupancy> {
    return this.#attempt('read occupancy', () => {
      const row = this.#statements.occupancy.get(tag) as [number, number, number] | undefined;
      return row ? { connected: row[0], reconnecting: row[1], devices: row[2] } : NOBODY;
    });
  }

  tags(after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    return this.#attempt('read tags', () => {
      const rows = this.#statements.tags.all(after ?? '', limit) as [string, number, number, number][];
      const items = rows.map(([tag, connected, reconnecting, devices]) => ({ tag, connected, reconnecting, devices }));
      return { items, position: this.#feed.position() };
    });
  }

  due(nowMs: number, limit: number): Promise<Due> {
    return this.#attempt('read deadlines', () => {
      const due = this.#statements.due.all(nowMs, limit) as [ParticipantId][];
      const [nextDueMs = null] = (this.#statements.nextDue.get(nowMs) as [number] | undefined) ?? [];
      return { participantIds: due.map(([id]) => id), nextDueMs };
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

  async bind(ref: string, participantId: ParticipantId, untilMs: number): Promise<ParticipantId> {
    try {
      const [known] = (this.#statements.boundTo.get(ref) as [ParticipantId] | undefined) ?? [];
      if (known !== undefined) return known;
      this.#statements.unbind.run(Date.now());
      this.#statements.bind.run(ref, participantId, untilMs);
      return participantId;
    } catch (error) {
      throw this.#unavailable('store callbacks', error);
    }
  }

  check(): Promise<void> {
    return this.#attempt('store callbacks', () => {
      this.#statements.load.get(NO_PARTICIPANT);
      this.#inTransaction(() => this.#probe());
    });
  }

  async close(): Promise<void> {
    this.#feed.wake();
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#db.close();
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
    insert.run(NO_PARTICIPANT, '', 'gone', 0, null, 0, 0);
    forget.run(NO_PARTICIPANT, '');
    const id = this.#feed.add(['']);
    removeEntry.run(id);
  }

  #apply(changesets: readonly Changeset[]): ('done' | 'conflict')[] {
    const isDone = changesets.map((changeset) => this.#write(changeset));
    this.#feed.add(changesets.flatMap(({ changes }, index) => (isDone[index] && changes !== null ? [changes] : [])));
    return isDone.map((done) => (done ? 'done' : 'conflict'));
  }

  /** Whether the record was still as it was loaded. */
  #write({ participantId, before, after }: Changeset): boolean {
    const { insert, update, forget } = this.#statements;
    if (!after) return !before || forget.run(participantId, before.record).changes === 1;
    const { state, sinceMs, tag = null, devices, dueMs } = after.index;
    const row = [after.record, state, sinceMs, tag, devices, dueMs] as const;
    const { changes } = before ? update.run(...row, participantId, before.record) : insert.run(participantId, ...row);
    return changes === 1;
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
