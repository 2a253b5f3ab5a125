// Opens an SQLite file in DATA_DIR for this process only. Problems with the folder or the file are detected here and explained,
// with a remedy.
import { accessSync, closeSync, constants, fchmodSync, mkdirSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'libsql';
import type { Logger } from 'pino';
import { StartError } from '../runtime/start-error.js';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** In a group-writable folder, so that another user of the group can take over the data. */
const GROUP_FILE = 0o660;
const ELSEWHERE = 'or set DATA_DIR to another folder';

export interface Schema {
  readonly version: number;
  /** The statements that create it. */
  readonly text: string;
  /** Whether the file has been created before: an empty or missing one is then not created again, but refused. */
  readonly mustExist?: boolean;
  /** Whether other processes may read the file meanwhile. */
  readonly isShared?: boolean;
  /** Of a new file; undefined: 4,096. */
  readonly pageBytes?: number;
}

interface OpenFile<T> {
  readonly db: Database.Database;
  readonly file: string;
  readonly prepared: T;
}

/**
 * Creates the folder and the file if they are missing. `prepare` must fail if the file has not all tables of the schema, or is
 * damaged. Throws StartError.
 */
export function openSqliteFile<T>(
  dataDir: string,
  name: string,
  schema: Schema,
  prepare: (db: Database.Database) => T,
): OpenFile<T> {
  const folder = resolve(dataDir);
  const file = join(folder, name);
  prepareFolder(folder);
  for (const part of [file, `${file}-wal`]) checkFile(part);
  // SQLite deletes the write-ahead log of an empty database, although the log may be all that is left of the data.
  if (sizeOf(file) === 0 && (schema.mustExist || sizeOf(`${file}-wal`) > 0)) throw lossError(file);
  let db: Database.Database | undefined;
  try {
    createFile(file);
    db = new Database(file);
    prepareDatabase(db, file, schema);
    return { db, file, prepared: prepare(db) };
  } catch (error) {
    db?.close();
    throw error instanceof StartError ? error : openError(error, file);
  }
}

/** Empties the write-ahead log if it can. Never throws, so that the rest of a shutdown follows. */
export function closeSqliteFile({ db, file }: Pick<OpenFile<unknown>, 'db' | 'file'>, log: Logger): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    const facts = { file, reason: (error as Error).message };
    log.warn(facts, 'the write-ahead log of an SQLite file could not be emptied; the next start reads it');
  }
  db.close();
}

/** Whether `openSqliteFile` failed because another process has the file open. */
export function isInUse(error: unknown): boolean {
  return error instanceof StartError && (error.cause as { code?: string } | undefined)?.code === 'SQLITE_BUSY';
}

/** Whether SQLite failed because the content of the file is damaged. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test((error as { code?: string }).code ?? '');
}

/** Commits what `work` does, or nothing if it throws. */
export function inTransaction<T>(db: Database.Database, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite may have rolled back already, for example on a full disk; a second ROLLBACK would hide the original error.
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function prepareFolder(folder: string): void {
  try {
    createFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { message } = error as Error;
    throw new StartError(`DATA_DIR must be a folder that ${user()} can write to: ${message}`, { cause: error });
  }
}

/** Like mkdir -p. Node's recursive mkdir loops forever on file systems that refuse with ENOENT, such as /proc. */
function createFolder(folder: string): void {
  try {
    mkdirSync(folder, PRIVATE_FOLDER);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    if (code !== 'ENOENT' || folder === dirname(folder)) throw error;
    createFolder(dirname(folder));
    mkdirSync(folder, PRIVATE_FOLDER);
  }
}

/** SQLite silently opens a read-only file, and waits forever for a path that is not a regular file. */
function checkFile(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isFile()) throw new StartError(`DATA_DIR: ${file} is not a file. Move it away, ${ELSEWHERE}`);
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    if (isReadOnly(stats)) throw new Error(`the mode of ${file} is read-only`);
  } catch (error) {
    const advice = `Let ${user()} read and write ${file}, ${ELSEWHERE}`;
    throw new StartError(`DATA_DIR: ${(error as Error).message}. ${advice}`, { cause: error });
  }
}

/** Root may write to any file, but somebody does not want this one to be written to. */
export function isReadOnly({ mode }: Stats): boolean {
  return (mode & (constants.S_IWUSR | constants.S_IWGRP | constants.S_IWOTH)) === 0;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Creates the file if it is missing. SQLite gives the other files of the database the same mode. */
function createFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })) return;
  const isForGroup = (statSync(dirname(file)).mode & constants.S_IWGRP) !== 0;
  const opened = openSync(file, 'a', PRIVATE_FILE);
  // Regardless of the umask.
  if (isForGroup) fchmodSync(opened, GROUP_FILE);
  closeSync(opened);
}

function prepareDatabase(db: Database.Database, file: string, schema: Schema): void {
  // Exclusive: a second process would not notice changes made by the first.
  if (!schema.isShared) db.exec('PRAGMA locking_mode = EXCLUSIVE');
  // Has no effect on a file that has been created before.
  if (schema.pageBytes) db.exec(`PRAGMA page_size = ${schema.pageBytes}`);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE');
  const [version] = db.prepare('PRAGMA user_version').raw().get() as unknown as [number];
  const [tables] = db.prepare('SELECT count(*) FROM sqlite_schema').raw().get() as unknown as [number];
  const isEmpty = version === 0 && tables === 0;
  if (isEmpty && schema.mustExist) throw lossError(file);
  if (isEmpty) db.exec(`${schema.text}; PRAGMA user_version = ${schema.version}`);
  else if (version !== schema.version) throw versionError(version, schema.version, file);
  db.exec('COMMIT');
}

function versionError(version: number, known: number, file: string): StartError {
  if (version === 0) return new StartError(`DATA_DIR: ${file} belongs to another program. Move it away, ${ELSEWHERE}`);
  const which = version > known ? 'a newer' : 'an older';
  const origin = `was created by ${which} version of Rollcall (its schema is ${version}, this version reads ${known})`;
  return new StartError(`DATA_DIR: ${file} ${origin}. Run that version, ${ELSEWHERE}`);
}

/** The advice names all files that belong to the database. */
function lossError(file: string): StartError {
  const remedy = `Restore it from a backup, or move all files ${file}* away to start with no data`;
  return new StartError(`DATA_DIR: ${file} is missing or empty, but data has been stored in it. ${remedy}`);
}

function openError(error: unknown, file: string): StartError {
  const { code = '', message } = error as Error & { code?: string };
  const explain =
    EXPLANATIONS[code] ?? (() => `${file} cannot be opened. Check its owner, its mode and its disk, ${ELSEWHERE}`);
  return new StartError(`DATA_DIR: ${explain(file)} (${message})`, { cause: error });
}

const damaged = (file: string) =>
  `${file} is damaged, or not a Rollcall database. Restore it from a backup, or move all files ${file}* away to start with no data`;

const EXPLANATIONS: Readonly<Record<string, (file: string) => string>> = {
  SQLITE_BUSY: (file) => `another process has ${file} open. Stop it, ${ELSEWHERE}: a folder is for one process`,
  SQLITE_FULL: (file) => `the disk of ${file} is full. Free some space, ${ELSEWHERE}`,
  SQLITE_NOTADB: damaged,
  SQLITE_CORRUPT: damaged,
  // For example, a missing table.
  SQLITE_ERROR: damaged,
};

function user(): string {
  return `uid ${process.getuid?.()}, gid ${process.getgid?.()}`;
}
