// Copies the database of the running service. For as long as the copy takes, new commits stay in the write-ahead log and the file does
// not change, so another process can copy it while this one serves callbacks.
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Backup, BackupStore } from '../ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

const PROGRAM = fileURLToPath(new URL('copy-database.mjs', import.meta.url));
/** Replaced by the next backup, so that backups that nobody fetches do not fill the disk. */
const FILE_NAME = 'rollcall-backup.db';

export class SqliteBackups implements BackupStore {
  #current: Promise<Backup> | undefined;

  constructor(private readonly database: SqliteDatabase) {}

  async make(): Promise<Backup | 'in-progress'> {
    if (this.#current) return 'in-progress';
    this.#current = this.#make();
    try {
      return await this.#current;
    } finally {
      this.#current = undefined;
    }
  }

  /** Resolves when no backup is in progress. */
  async settled(): Promise<void> {
    await this.#current?.catch(() => {});
  }

  #make(): Promise<Backup> {
    const { file } = this.database;
    const copy = join(dirname(file), FILE_NAME);
    return this.database.attempt('make backups', async () => {
      await this.database.whileFileIsConstant(() => copyDatabase(file, copy));
      return { file: FILE_NAME, bytes: statSync(copy).size };
    });
  }
}

async function copyDatabase(from: string, to: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [PROGRAM, from, to]);
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw Object.assign(new Error(message, { cause: error }), failureOf(stderr));
  }
}

/** As written by the program. */
function failureOf(stderr: string): { code?: string; message?: string } {
  try {
    return JSON.parse(stderr);
  } catch {
    return {};
  }
}
