// One file of spooled events in DATA_DIR. Statements are synchronous, and synchronous=FULL makes each transaction durable.
import { existsSync, renameSync } from 'node:fs';
import type Database from 'libsql';
import type { Logger } from 'pino';
import type { SubjectKey } from '../storage/encoding/subject-key.js';
import { closeSqliteFile, inTransaction, isDamage, openSqliteFile } from '../storage/sqlite-file.js';

const SCHEMA = {
  version: 1,
  text: `
    CREATE TABLE origin (id INTEGER PRIMARY KEY, store TEXT NOT NULL);
    CREATE TABLE events (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      subject TEXT NOT NULL,
      received_at INTEGER NOT NULL,
      event TEXT NOT NULL
    )`,
};

export interface NewEntry {
  readonly key: SubjectKey;
  readonly receivedAtMs: number;
  /** The event, in the form of its consumer. */
  readonly text: string;
}

export interface SpoolEntry extends NewEntry {
  readonly id: number;
}

export class SpoolFile {
  readonly name: string;
  /** Then some of its entries cannot be read, and nothing may be written to it. */
  readonly isDamaged: boolean;
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /**
   * Creates the file if it is missing. `store`: names the store that the events of a new or empty file will be for. Throws
   * StartError, also if another process has the file open; see `isInUse`.
   */
  constructor(dataDir: string, name: string, store: string) {
    this.name = name;
    const { db, file, prepared } = openSqliteFile(dataDir, name, SCHEMA, (opened) => {
      return { statements: prepareStatements(opened), isDamaged: hasDamage(opened) };
    });
    this.#db = db;
    this.#path = file;
    this.#statements = prepared.statements;
    this.isDamaged = prepared.isDamaged;
    if (!this.isDamaged && this.oldestMs() === undefined && this.store !== store) this.#statements.setStore.run(store);
  }

  get store(): string | undefined {
    return (this.#statements.store.get() as { store: string } | undefined)?.store;
  }

  /** All of them are durable when this returns; none if it throws. */
  append(entries: readonly NewEntry[]): void {
    this.#write(() => {
      for (const { key, receivedAtMs, text } of entries) this.#statements.insert.run(key, receivedAtMs, text);
    });
  }

  /** The first `limit` entries after an id, in the order in which they were appended. */
  after(id: number, limit: number): SpoolEntry[] {
    return this.#statements.after.all(id, limit) as unknown as SpoolEntry[];
  }

  /** The entries with ids from `first` to `last`. */
  between(first: number, last: number): SpoolEntry[] {
    return this.#statements.between.all(first, last) as unknown as SpoolEntry[];
  }

  /** The highest id that an entry ever had. */
  lastId(): number {
    return (this.#statements.lastId.get() as { seq: number } | undefined)?.seq ?? 0;
  }

  remove(ids: readonly number[]): void {
    this.#write(() => this.#statements.remove.run(JSON.stringify(ids)));
  }

  /** How many entries each participant has, and the size of their texts. */
  totals(): { readonly key: SubjectKey; readonly count: number; readonly bytes: number }[] {
    return this.#statements.totals.all() as never;
  }

  get length(): number {
    return (this.#statements.length.get() as { count: number }).count;
  }

  /** When the first event was received; undefined: there is none. */
  oldestMs(): number | undefined {
    return (this.#statements.oldest.get() as { receivedAtMs: number } | undefined)?.receivedAtMs;
  }

  /** Throws if nothing can be written. */
  probe(): void {
    this.#statements.touch.run();
  }

  /** On a full disk, the write-ahead log may still be emptied into the file, and used again from its start. */
  #write(work: () => void): void {
    try {
      inTransaction(this.#db, work);
    } catch {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      inTransaction(this.#db, work);
    }
  }

  close(log: Logger): void {
    closeSqliteFile({ db: this.#db, file: this.#path }, log);
  }

  /** Closes it as it is, under a name by which no process looks for spooled events. Returns its path. */
  renameDamaged(): string {
    this.#db.close();
    let path = `${this.#path}.damaged`;
    for (let number = 2; existsSync(path); number += 1) path = `${this.#path}.damaged-${number}`;
    for (const suffix of ['-wal', '']) {
      if (existsSync(this.#path + suffix)) renameSync(this.#path + suffix, path + suffix);
    }
    return path;
  }
}

/** Takes about a millisecond per MB. */
function hasDamage(db: Database.Database): boolean {
  try {
    const [result] = db.prepare('PRAGMA quick_check(1)').raw().get() as unknown as [string];
    return result !== 'ok';
  } catch (error) {
    if (isDamage(error)) return true;
    throw error;
  }
}

function prepareStatements(db: Database.Database) {
  return {
    store: db.prepare('SELECT store FROM origin'),
    setStore: db.prepare('INSERT OR REPLACE INTO origin VALUES (1, ?)'),
    insert: db.prepare('INSERT INTO events (subject, received_at, event) VALUES (?, ?, ?)'),
    after: db.prepare(
      'SELECT id, subject AS key, received_at AS receivedAtMs, event AS text FROM events WHERE id > ? ORDER BY id LIMIT ?',
    ),
    between: db.prepare(
      'SELECT id, subject AS key, received_at AS receivedAtMs, event AS text FROM events WHERE id BETWEEN ? AND ? ORDER BY id',
    ),
    lastId: db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'"),
    remove: db.prepare('DELETE FROM events WHERE id IN (SELECT value FROM json_each(?))'),
    totals: db.prepare(
      'SELECT subject AS key, count(*) AS count, sum(octet_length(event)) AS bytes FROM events GROUP BY subject',
    ),
    oldest: db.prepare('SELECT received_at AS receivedAtMs FROM events ORDER BY id LIMIT 1'),
    length: db.prepare('SELECT count(*) AS count FROM events'),
    touch: db.prepare('UPDATE origin SET store = store'),
  };
}
