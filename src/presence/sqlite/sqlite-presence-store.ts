// The store port on one SQLite file, for a service that runs as one process and wants no Redis. Every commit is
// synced to the disk before it is answered: WAL with synchronous=FULL, one transaction, and so one sync, a batch.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'libsql';
import type { Logger } from 'pino';
import { StoreLoss } from '../../platform/store-loss.js';
import type { ParticipantId } from '../domain/lifecycle-event.js';
import { mergePages } from '../page-order.js';
import {
  type Changeset,
  type Due,
  FEED_LENGTH,
  type FeedItem,
  type Occupancy,
  type PageCursor,
  type PageFilter,
  type PageItem,
  type PresenceStore,
  type StoredRecord,
  StoreUnavailableError,
  type TagOccupancy,
} from '../presence-store.js';
import { SCHEMA, SCHEMA_VERSION } from './schema.js';
import { prepareStatements } from './statements.js';

const NOBODY: Occupancy = { connected: 0, reconnecting: 0, devices: 0 };
const BEGINNING: PageCursor = { sinceMs: Number.MIN_SAFE_INTEGER, participantId: '' as ParticipantId };

export class SqlitePresenceStore implements PresenceStore {
  readonly description: string;
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #loss: StoreLoss;

  /** Opens the file in `dataDir`, or makes both. Throws when another process has it open, or another version made it. */
  constructor(dataDir: string, log: Logger) {
    this.#loss = new StoreLoss(log);
    mkdirSync(dataDir, { recursive: true });
    const file = resolve(join(dataDir, 'rollcall.db'));
    this.description = `SQLite at ${file}`;
    this.#db = new Database(file);
    open(this.#db, file);
    this.#statements = prepareStatements(this.#db);
  }

  load(participantIds: readonly ParticipantId[]): Promise<(StoredRecord | null)[]> {
    return attempt(() =>
      participantIds.map((id) => (this.#statements.load.get(id) as [string] | undefined)?.[0] ?? null),
    );
  }

  async commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]> {
    try {
      const outcomes = this.#inTransaction(() => changesets.map((changeset) => this.#apply(changeset)));
      this.#loss.report(undefined);
      return outcomes;
    } catch (error) {
      this.#loss.report(error);
      return changesets.map(() => unavailable(error));
    }
  }

  page({ states, tag }: PageFilter, after: PageCursor | null, limit: number): Promise<PageItem[]> {
    const { sinceMs, participantId } = after ?? BEGINNING;
    const { pageOfState, pageOfTag } = this.#statements;
    return attempt(() => {
      const pages = states.map((state) => {
        const cursor = [state, sinceMs, participantId, limit] as const;
        const rows = tag === undefined ? pageOfState.all(...cursor) : pageOfTag.all(tag, ...cursor);
        return (rows as [ParticipantId, number, string][]).map(([id, since, record]) => ({
          participantId: id,
          sinceMs: since,
          record,
        }));
      });
      return mergePages(pages, limit);
    });
  }

  occupancy(tag = ''): Promise<Occupancy> {
    return attempt(() => {
      const row = this.#statements.occupancy.get(tag) as [number, number, number] | undefined;
      return row ? { connected: row[0], reconnecting: row[1], devices: row[2] } : NOBODY;
    });
  }

  tags(after: string | null, limit: number): Promise<TagOccupancy[]> {
    return attempt(() =>
      (this.#statements.tags.all(after ?? '', limit) as [string, number, number, number][]).map(
        ([tag, connected, reconnecting, devices]) => ({ tag, connected, reconnecting, devices }),
      ),
    );
  }

  due(nowMs: number, limit: number): Promise<Due> {
    return attempt(() => {
      const due = this.#statements.due.all(nowMs, limit) as [ParticipantId][];
      const [nextDueMs = null] = (this.#statements.nextDue.get(nowMs) as [number] | undefined) ?? [];
      return { participantIds: due.map(([id]) => id), nextDueMs };
    });
  }

  changes(after: string | null, limit: number): Promise<FeedItem[]> {
    return attempt(() =>
      (this.#statements.changes.all(Number(after ?? 0), limit) as [number, string][]).map(([position, change]) => ({
        position: String(position),
        change,
      })),
    );
  }

  check(): Promise<void> {
    return attempt(() => void this.#statements.check.run());
  }

  close(): Promise<void> {
    return attempt(() => {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#db.close();
    });
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

  #apply(changeset: Changeset): 'done' | 'conflict' {
    if (!this.#write(changeset)) return 'conflict';
    for (const change of changeset.changes) {
      const { lastInsertRowid } = this.#statements.announce.run(change);
      this.#statements.trim.run(Number(lastInsertRowid) - FEED_LENGTH);
    }
    return 'done';
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
}

function open(db: Database.Database, file: string): void {
  try {
    // One process at a time: a second one would not be told of the first one's changes.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE');
    const [version] = db.prepare('PRAGMA user_version').raw().get() as unknown as [number];
    if (version === 0) db.exec(SCHEMA);
    else if (version !== SCHEMA_VERSION) throw new Error(`it was made by another version (${version}) of Rollcall`);
    db.exec('COMMIT');
  } catch (error) {
    db.close();
    const isBusy = (error as { code?: string }).code === 'SQLITE_BUSY';
    const reason = isBusy ? 'another process has it open' : (error as Error).message;
    throw new Error(`cannot open ${file}: ${reason}`, { cause: error });
  }
}

async function attempt<T>(work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`SQLite: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
