// The SQLite file of history, without the query builder, which takes longer to load than the rest of the start.
import type Database from 'libsql';
import { openSqliteFile } from '../storage/sqlite-file.js';
import { SCHEMA_VERSION, statementsFrom } from './migrations.js';

const FILE_NAME = 'history.db';
/**
 * New rows go to other pages of some indexes each time. With the defaults of SQLite, a cache of 2 MB and a log of 4 MB, a larger file has
 * most of them read again, and copied from the log to the file each time instead of once for several changes: a write takes half as long
 * again, and a commit waits for the disk more often. With its pages of 4,096 bytes, twice as much is read and copied.
 */
const PAGE_BYTES = 2_048;
const CACHE_KB = 16_000;
const MAX_LOG_PAGES = 8_000;

export interface HistoryFile {
  readonly database: Database.Database;
  readonly path: string;
}

/**
 * A commit need not be on the disk when it returns, since its changes are read again from the position that is stored with it. Other
 * processes may read the file meanwhile. Throws StartError.
 */
export function openHistoryFile(dataDir: string): HistoryFile {
  const schema = { version: SCHEMA_VERSION, text: statementsFrom(0, 'sqlite'), isShared: true, pageBytes: PAGE_BYTES };
  const { db, file } = openSqliteFile(dataDir, FILE_NAME, schema, (opened) => {
    opened.exec(`PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${CACHE_KB}`);
    opened.exec(`PRAGMA wal_autocheckpoint = ${MAX_LOG_PAGES}`);
    opened.prepare('SELECT token FROM projector').get();
  });
  return { database: db, path: file };
}
