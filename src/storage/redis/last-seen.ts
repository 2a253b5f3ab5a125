// What was last seen of the data in Redis, in a file that survives the process: a process that is restarted while Redis is unavailable
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

  /** By shard; undefined: nothing is known of it. */
  read(): (Seen | undefined)[] {
    try {
      const { store, shards } = JSON.parse(readFileSync(this.#file, 'utf8'));
      return store === this.#store && Array.isArray(shards) ? shards.map(seenOf) : [];
    } catch {
      return [];
    }
  }

  /**
   * Not synced: it is written every 2 s, and the previous version serves as well. A failed write matters only if the process
   * restarts.
   */
  write(shards: readonly (Seen | undefined)[]): void {
    const next = `${this.#file}.${process.pid}`;
    try {
      writeFileSync(next, JSON.stringify({ store: this.#store, shards }), { mode: 0o600 });
      renameSync(next, this.#file);
    } catch {
      rmSync(next, { force: true });
    }
  }
}

function seenOf(value: unknown): Seen | undefined {
  const { epoch, count, atMs } = Object(value) as Record<string, unknown>;
  const isValid = typeof epoch === 'string' && Number.isFinite(count) && Number.isFinite(atMs);
  return isValid ? { epoch, count: Number(count), atMs: Number(atMs) } : undefined;
}
