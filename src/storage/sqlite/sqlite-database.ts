// Shared by the SQLite ports: the open file, its statements and error reporting. No other process writes to the file and
// statements are synchronous, so each synchronous block of a port is atomic. While the file is damaged, or is not in its place,
// nothing is committed: an event that is acknowledged could not be relied on.
import { join, resolve } from 'node:path';
import type Database from 'libsql';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../../runtime/clock.js';
import { type StoreOperation, StoreUnavailableError } from '../ports.js';
import { RefusalLog } from '../refusal-log.js';
import { closeSqliteFile, inTransaction, isDamage, openSqliteFile } from '../sqlite-file.js';
import { CreationMarker } from './creation-marker.js';
import { checkSmallFile, DamageScan } from './damage-scan.js';
import { FileWatch } from './file-watch.js';
import { adviceOf, refusalOf } from './refusal.js';
import { SCHEMA_VERSION, schema } from './schema.js';
import { prepareStatements, type Statements } from './statements.js';

const FILE_NAME = 'rollcall.db';
/** A step takes about a millisecond. */
const SCAN_STEP_MS = 50;
const SCAN_PAUSE_MS = 600_000;
const WATCH_MS = 1_000;
/** SQLite's own default. */
const MAX_LOG_PAGES = 1_000;

export class SqliteDatabase {
  readonly file: string;
  readonly statements: Statements;
  readonly #db: Database.Database;
  readonly #refusals: RefusalLog;
  readonly #scan: DamageScan;
  readonly #files: FileWatch;
  #damage: Error | undefined;
  /** Whether the files were out of place when they were last watched. */
  #isOutOfPlace = false;
  #cancelScan = () => {};
  #cancelWatch = () => {};

  /** Creates the folder and the file if they are missing. Throws StartError. */
  constructor(
    dataDir: string,
    clock: Clock,
    private readonly log: Logger,
  ) {
    this.#refusals = new RefusalLog(log, 'SQLite', clock);
    const marker = new CreationMarker(join(resolve(dataDir), FILE_NAME));
    marker.checkLog();
    // The feed of a new file starts now.
    const tables = { version: SCHEMA_VERSION, text: schema(clock.now()), mustExist: marker.exists };
    const { db, file, prepared } = openSqliteFile(dataDir, FILE_NAME, tables, (opened) => {
      checkSmallFile(opened);
      return { statements: prepareStatements(opened), scan: new DamageScan(opened) };
    });
    this.file = file;
    this.statements = prepared.statements;
    this.#db = db;
    this.#scan = prepared.scan;
    marker.renew((stamp) => db.exec(`PRAGMA application_id = ${stamp}; PRAGMA wal_checkpoint(TRUNCATE)`));
    this.#files = new FileWatch([file, `${file}-wal`]);
    this.#scanAfter(SCAN_STEP_MS);
    this.#watch();
  }

  /** Commits what `work` does, or nothing if it throws. */
  inTransaction<T>(work: () => T): T {
    return inTransaction(this.#db, () => {
      const result = work();
      const fault = this.#damage ?? this.#files.fault();
      if (fault) throw fault;
      return result;
    });
  }

  /**
   * While `work` runs, the file itself contains what was committed before, and nothing else: SQLite moves no commits from the log to
   * the file.
   */
  async whileFileIsConstant<T>(work: () => Promise<T>): Promise<T> {
    const fault = this.#damage ?? this.#files.fault();
    if (fault) throw fault;
    this.#db.exec('PRAGMA wal_autocheckpoint = 0');
    try {
      const [isBusy] = this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').raw().get() as unknown as [number];
      if (isBusy) throw new Error('the write-ahead log is in use');
      return await work();
    } finally {
      this.#db.exec(`PRAGMA wal_autocheckpoint = ${MAX_LOG_PAGES}`);
    }
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
    if (this.#db.open) {
      if (isDamage(cause)) this.#isDamaged(cause as Error);
      else this.#refusals.refused(operation, refusal, count);
    }
    return new StoreUnavailableError(`SQLite: ${refusal.reason}`, { cause, advice: adviceOf(cause) });
  }

  close(): void {
    this.#cancelScan();
    this.#cancelWatch();
    closeSqliteFile({ db: this.#db, file: this.file }, this.log);
  }

  /** Notices a fault of the files, and its end, also while nobody sends callbacks or probes. */
  #watch(): void {
    this.#cancelWatch = systemClock.after(WATCH_MS, () => {
      const fault = this.#files.fault();
      if (fault) this.#refusals.refused('store callbacks', refusalOf(fault), 0);
      else if (this.#isOutOfPlace && !this.#damage) this.accepted('store callbacks');
      this.#isOutOfPlace = fault !== undefined;
      this.#watch();
    });
  }

  /** In real time, whatever clock presence uses: the file does not depend on it. */
  #scanAfter(delayMs: number): void {
    this.#cancelScan = systemClock.after(delayMs, () => {
      try {
        this.#scanAfter(this.#scan.step() ? SCAN_PAUSE_MS : SCAN_STEP_MS);
      } catch (error) {
        if (isDamage(error)) this.#isDamaged(error as Error);
        else this.#scanAfter(SCAN_PAUSE_MS);
      }
    });
  }

  /** Logged once, whatever finds it: the file stays damaged until it is replaced, for which the service must be stopped. */
  #isDamaged(error: Error): void {
    if (this.#damage) return;
    this.#damage = error;
    this.#cancelScan();
    this.#refusals.refused('store callbacks', refusalOf(error));
  }
}
