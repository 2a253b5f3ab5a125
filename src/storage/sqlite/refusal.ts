// Explains SQLite errors, with a remedy.
import type { Refusal } from '../refusal-log.js';

const ADVICE: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk of DATA_DIR is full',
  SQLITE_READONLY: 'DATA_DIR or its file is not writable: check its permissions, and whether the disk is read-only',
  SQLITE_IOERR: 'the disk of DATA_DIR has failed or is full',
  SQLITE_CORRUPT: 'the file is damaged: restore it from a backup, or move it away to start with no data',
  SQLITE_NOTADB: 'the file is damaged: restore it from a backup, or move it away to start with no data',
};

export function refusalOf(error: unknown): Refusal {
  const { code = 'unexpected', message = String(error) } = error as { code?: string; message?: string };
  // Extended codes, such as SQLITE_IOERR_WRITE, start with their primary code.
  const known = Object.keys(ADVICE).find((name) => code.startsWith(name));
  return { code, advice: (known && ADVICE[known]) ?? 'see the reason', reason: message };
}
