// Why the embedded store cannot do what it was asked for, and what to do about it.
import type { Refusal } from '../refusal-log.js';

const ADVICE: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk of DATA_DIR is full',
  SQLITE_READONLY: 'DATA_DIR or its file cannot be written to: see its permissions, and whether the disk is read-only',
  SQLITE_IOERR: 'the disk of DATA_DIR fails, or is full',
  SQLITE_CORRUPT: 'the file is damaged: restore it, or move it away to begin anew',
  SQLITE_NOTADB: 'the file is damaged: restore it, or move it away to begin anew',
};

export function refusalOf(error: unknown): Refusal {
  const { code = 'unexpected', message = String(error) } = error as { code?: string; message?: string };
  // An extended code, like SQLITE_IOERR_WRITE, begins with the one that it is a case of.
  const known = Object.keys(ADVICE).find((name) => code.startsWith(name));
  return { code, advice: (known && ADVICE[known]) ?? 'see the reason', reason: message };
}
