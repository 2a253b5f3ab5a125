// Explains SQLite errors and faults of its files, with a remedy.
import type { Refusal } from '../refusal-log.js';

const DAMAGED =
  'the file is damaged: stop the service, and restore a backup or move all files rollcall.db* away to start with no data';

const ADVICE: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk of DATA_DIR is full',
  SQLITE_READONLY: 'DATA_DIR or its file is not writable: check its permissions, and whether the disk is read-only',
  SQLITE_IOERR: 'the disk of DATA_DIR has failed or is full',
  FILE_REMOVED: 'a file was removed from DATA_DIR: put the same file back, or stop the service and restore a backup',
  FILE_REPLACED: 'a file in DATA_DIR was replaced: put the original back, or stop the service and restore a backup',
  FILE_READONLY: 'a file in DATA_DIR is not writable: check its permissions, and whether the disk is read-only',
  SQLITE_CORRUPT: DAMAGED,
  SQLITE_NOTADB: DAMAGED,
};

export function refusalOf(error: unknown): Refusal {
  const { code = 'unexpected', message = String(error) } = error as { code?: string; message?: string };
  return { code, advice: adviceOf(error) ?? 'see the reason', reason: message };
}

/** What is wrong, and what to do about it; undefined: nothing is known. */
export function adviceOf(error: unknown): string | undefined {
  const { code = '' } = error as { code?: string };
  // Extended codes, such as SQLITE_IOERR_WRITE, start with their primary code.
  const known = Object.keys(ADVICE).find((name) => code.startsWith(name));
  return known && ADVICE[known];
}
