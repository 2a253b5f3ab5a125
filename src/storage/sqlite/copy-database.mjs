// A program: copies a database to a file of its own, and checks the copy. `from` must not change meanwhile. The service must not copy its
// database by itself: SQLite's lock on a file ends when any descriptor of the file in the same process is closed. Plain JavaScript, so
// that tests run it without a build.
import { randomInt } from 'node:crypto';
import { closeSync, copyFileSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import Database from 'libsql';

/** @type {string[]} */
const [from = '', to = ''] = process.argv.slice(2);
const partial = `${to}.partial`;
/** A log that an earlier attempt has left would be applied to this copy. */
const clear = () => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(partial + suffix, { force: true });
};
try {
  clear();
  copyFileSync(from, partial);
  const db = new Database(partial);
  // See creation-marker.ts: the copy is not the database that its log belongs to.
  db.exec(`PRAGMA application_id = ${randomInt(1, 2 ** 31)}`);
  // A file without a write-ahead log, which can be moved alone.
  db.exec('PRAGMA journal_mode = DELETE');
  const [result] = /** @type {[string]} */ (/** @type {unknown} */ (db.prepare('PRAGMA quick_check(1)').raw().get()));
  db.close();
  if (result !== 'ok') throw Object.assign(new Error(result), { code: 'SQLITE_CORRUPT' });
  const copy = openSync(partial, 'r+');
  fsyncSync(copy);
  closeSync(copy);
  renameSync(partial, to);
} catch (error) {
  clear();
  const { code = 'unexpected', message } = /** @type {Error & { code?: string }} */ (error);
  console.error(JSON.stringify({ code, message }));
  process.exitCode = 1;
}
