// Shared by the SQLite ports: the open file, its statements and error reporting. No other process writes to the file and
// statements are synchronous, so each synchronous block of a port is atomic.
import type Database from 'libsql';
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import { type StoreOperation, StoreUnavailableError } from '../ports.js';
import { RefusalLog } from '../refusal-log.js';
import { inTransaction, openSqliteFile } from '../sqlite-file.js';
import { refusalOf } from './refusal.js';
import { SCHEMA_VERSION, schema } from './schema.js';
import { prepareStatements, type Statements } from './statements.js';

export class SqliteDatabase {
  readonly file: string;
  readonly statements: Statements;
  readonly #db: Database.Database;
  readonly #refusals: RefusalLog;

  /** Creates the folder and the file if they are missing. Throws StartError. */
  constructor(dataDir: string, clock: Clock, log: Logger) {
    this.#refusals = new RefusalLog(log, 'SQLite', clock);
    // The feed of a new file starts now.
    const tables = { version: SCHEMA_VERSION, text: schema(clock.now()) };
    const { db, file, prepared } = openSqliteFile(dataDir, 'rollcall.db', tables, prepareStatements);
    this.file = file;
    this.statements = prepared;
    this.#db = db;
  }

  inTransaction<T>(work: () => T): T {
    return inTransaction(this.#db, work);
  }

  async attempt<T>(operation: StoreOperation, work: () => T | Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.accepted(operation);
      return result;
    } catch (error) {
      throw this.unavailable(operation, error);
    }
  }

  accepted(operation: StoreOperation): void {
    this.#refusals.accepted(operation);
  }

  /** Logs an error of SQLite and wraps it. */
  unavailable(operation: StoreOperation, cause: unknown, count = 1): StoreUnavailableError {
    const refusal = refusalOf(cause);
    // Failures after `close` are expected.
    if (this.#db.open) this.#refusals.refused(operation, refusal, count);
    return new StoreUnavailableError(`SQLite: ${refusal.reason}`, { cause });
  }

  close(): void {
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }
}
