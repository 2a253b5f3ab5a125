// Remembers what has been stored in a database, in a file next to it, in plain words for whoever finds it.
//
// That it has been created: by an empty database alone, a first start cannot be told from a loss of all data. And its stamp, a number
// in the database that each start and each backup changes: SQLite would apply a write-ahead log to any database that it is found with,
// also to one that was restored from a backup, and damage it.
import { randomInt } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename } from 'node:path';
import { StartError } from '../../runtime/start-error.js';

/** Where SQLite keeps `application_id`: https://sqlite.org/fileformat2.html#application_id */
const STAMP_OFFSET = 68;
const MAX_STAMP = 2 ** 31;

export class CreationMarker {
  readonly #file: string;
  readonly #marker: string;
  /** Of the database as it was found; undefined: there was none. */
  readonly #stamp: number | undefined;

  /**
   * `file`: the database, which must not be open: SQLite's lock on a file ends when any descriptor of it in the same process is
   * closed.
   */
  constructor(file: string) {
    this.#file = file;
    this.#marker = `${file}-created`;
    this.#stamp = stampOf(file);
  }

  get exists(): boolean {
    return existsSync(this.#marker);
  }

  /** Throws StartError if the write-ahead log is that of another database. */
  checkLog(): void {
    const known = this.#knownStamps();
    if (known.length === 0 || this.#stamp === undefined || known.includes(this.#stamp)) return;
    const log = `${this.#file}-wal`;
    if (!statSync(log, { throwIfNoEntry: false })?.size) return;
    throw new StartError(
      `DATA_DIR: ${this.#file} was restored or replaced, but ${log} is the log of the earlier file and would damage it. ` +
        `Move ${log} away, and start again`,
    );
  }

  /** Once the database is open. `setStamp` must have changed the file itself when it returns. Throws StartError. */
  renew(setStamp: (stamp: number) => void): void {
    try {
      // In a new database everything is still in the log, whose loss is noticed for as long as the file is empty.
      if (this.#stamp === undefined) this.#write([0]);
      else this.#change(this.#stamp, randomInt(1, MAX_STAMP), setStamp);
    } catch (error) {
      // Without a new stamp, a restored file may go unnoticed; but a full disk must not keep the service from starting.
      if (this.exists) return;
      throw new StartError(`DATA_DIR: ${this.#marker} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** A crash may leave either stamp in the database. */
  #change(from: number, to: number, setStamp: (stamp: number) => void): void {
    this.#write([from, to]);
    setStamp(to);
    this.#write([to]);
  }

  #knownStamps(): number[] {
    const text = this.exists ? readFileSync(this.#marker, 'utf8') : '';
    return (/^Stamp: ([\d ]+)$/m.exec(text)?.[1] ?? '').split(' ').filter(Boolean).map(Number);
  }

  #write(stamps: readonly number[]): void {
    const name = basename(this.#file);
    const text = `Rollcall has stored presence in ${name}. While this file exists, Rollcall does not start with an empty one.\n`;
    const next = `${this.#marker}.new`;
    const opened = openSync(next, 'w');
    try {
      writeSync(opened, `${text}Stamp: ${stamps.join(' ')}\n`);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    // Like the database, regardless of the umask: whoever takes over the one takes over the other.
    chmodSync(next, statSync(this.#file).mode);
    renameSync(next, this.#marker);
  }
}

function stampOf(file: string): number | undefined {
  const bytes = Buffer.alloc(4);
  try {
    const opened = openSync(file, 'r');
    const count = readSync(opened, bytes, 0, bytes.length, STAMP_OFFSET);
    closeSync(opened);
    return count === bytes.length ? bytes.readUInt32BE() : undefined;
  } catch {
    // It does not exist, or its opening explains why it cannot be read.
    return undefined;
  }
}
