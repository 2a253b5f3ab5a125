// Opens the file of the embedded store. What can be wrong with the folder or the file is found out here, and told in terms
// of DATA_DIR and of what to do about it.
import { accessSync, closeSync, constants, fchmodSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'libsql';
import { StartError } from '../../runtime/start-error.js';
import { SCHEMA_VERSION, schema } from './schema.js';
import { prepareStatements, type Statements } from './statements.js';

/** For nobody but its user. */
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** In a folder that the group may write to, so that another user of the group can continue with the data. */
const GROUP_FILE = 0o660;
const ELSEWHERE = 'or set DATA_DIR to another folder';

interface OpenDatabase {
  readonly db: Database.Database;
  readonly file: string;
  readonly statements: Statements;
}

/** Makes the folder and the file if they are missing; `nowMs` is when its feed then begins. Throws StartError. */
export function openDatabase(dataDir: string, nowMs: number): OpenDatabase {
  const folder = resolve(dataDir);
  const file = join(folder, 'rollcall.db');
  prepareFolder(folder);
  for (const part of [file, `${file}-wal`]) checkFile(part);
  let db: Database.Database | undefined;
  try {
    makeFile(file);
    db = new Database(file);
    prepareDatabase(db, file, nowMs);
    return { db, file, statements: prepareStatements(db) };
  } catch (error) {
    db?.close();
    throw error instanceof StartError ? error : openError(error, file);
  }
}

function prepareFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { message } = error as Error;
    throw new StartError(`DATA_DIR must be a folder that ${user()} can write to: ${message}`, { cause: error });
  }
}

/** As mkdir -p; Node's own, where a file system refuses with ENOENT as /proc does, tries again for ever. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, PRIVATE_FOLDER);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    if (code !== 'ENOENT' || folder === dirname(folder)) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder, PRIVATE_FOLDER);
  }
}

/** SQLite opens one that may only be read without a word, and waits for ever for what is no file. */
function checkFile(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isFile()) throw new StartError(`DATA_DIR: ${file} is not a file. Move it away, ${ELSEWHERE}`);
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    const advice = `Let ${user()} read and write ${file}, ${ELSEWHERE}`;
    throw new StartError(`DATA_DIR: ${(error as Error).message}. ${advice}`, { cause: error });
  }
}

/** Makes the file if it is missing. SQLite gives all other files of the database the mode of this one. */
function makeFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })) return;
  const isForGroup = (statSync(dirname(file)).mode & constants.S_IWGRP) !== 0;
  const opened = openSync(file, 'a', PRIVATE_FILE);
  // Whatever the umask is.
  if (isForGroup) fchmodSync(opened, GROUP_FILE);
  closeSync(opened);
}

function prepareDatabase(db: Database.Database, file: string, nowMs: number): void {
  // One process at a time: a second one would not be told of the first one's changes.
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE');
  const [version] = db.prepare('PRAGMA user_version').raw().get() as unknown as [number];
  const [tables] = db.prepare('SELECT count(*) FROM sqlite_schema').raw().get() as unknown as [number];
  if (version === 0 && tables === 0) db.exec(schema(nowMs));
  else if (version !== SCHEMA_VERSION) throw versionError(version, file);
  db.exec('COMMIT');
}

function versionError(version: number, file: string): StartError {
  if (version === 0) return new StartError(`DATA_DIR: ${file} belongs to another program. Move it away, ${ELSEWHERE}`);
  const which = version > SCHEMA_VERSION ? 'a newer' : 'an older';
  const origin = `was made by ${which} version of Rollcall (its schema is ${version}, this version reads ${SCHEMA_VERSION})`;
  return new StartError(`DATA_DIR: ${file} ${origin}. Run that version, ${ELSEWHERE}`);
}

/** `error`: of SQLite. */
function openError(error: unknown, file: string): StartError {
  const { code = '', message } = error as Error & { code?: string };
  const explain =
    EXPLANATIONS[code] ?? (() => `${file} cannot be opened. Check its owner, its mode and its disk, ${ELSEWHERE}`);
  return new StartError(`DATA_DIR: ${explain(file)} (${message})`, { cause: error });
}

const damaged = (file: string) =>
  `${file} is damaged, or no database of Rollcall. Restore it from a backup, or move it away to start with no data`;

const EXPLANATIONS: Readonly<Record<string, (file: string) => string>> = {
  SQLITE_BUSY: (file) => `another process has ${file} open. Stop it, ${ELSEWHERE}: a folder is for one process`,
  SQLITE_FULL: (file) => `the disk of ${file} is full. Make room on it, ${ELSEWHERE}`,
  SQLITE_NOTADB: damaged,
  SQLITE_CORRUPT: damaged,
  // As for a table that is missing.
  SQLITE_ERROR: damaged,
};

function user(): string {
  return `uid ${process.getuid?.()}, gid ${process.getgid?.()}`;
}
