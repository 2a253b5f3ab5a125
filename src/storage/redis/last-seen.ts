// What was last seen of the data in Redis, in a file that survives the process: a process that is restarted while Redis is away
// would have nothing to compare with, and would take an older or empty Redis for the right one.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface Seen {
  /** Identifies the data. */
  readonly epoch: string;
  readonly count: number;
  readonly atMs: number;
}

export class LastSeen {
  readonly #file: string;
  readonly #store: string;

  /** `store`: names the server and its keys; what was seen of another one is ignored. All workers may share the file. */
  constructor(file: string, store: string) {
    this.#file = file;
    this.#store = store;
  }

  read(): Seen | undefined {
    try {
      const { store, epoch, count, atMs } = JSON.parse(readFileSync(this.#file, 'utf8'));
      const isValid =
        store === this.#store && typeof epoch === 'string' && Number.isFinite(count) && Number.isFinite(atMs);
      return isValid ? { epoch, count, atMs } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Not synced: it is written every 2 s, and the one before does as well. If it fails, only a restart would make a difference. */
  write(seen: Seen): void {
    const next = `${this.#file}.${process.pid}`;
    try {
      writeFileSync(next, JSON.stringify({ store: this.#store, ...seen }), { mode: 0o600 });
      renameSync(next, this.#file);
    } catch {
      rmSync(next, { force: true });
    }
  }
}
