// The feed in SQLite: a table to which each commit appends an entry in its own transaction.
import type { Clock } from '../../runtime/clock.js';
import type { FeedPosition } from '../feed-position.js';
import { type FeedEntry, type FeedExtent, type FeedLimits, type FeedStore, MAX_PAGE_BYTES } from '../ports.js';
import type { SqliteDatabase } from './sqlite-database.js';
import type { Statements } from './statements.js';

/** Entries dropped per call, which blocks the process. */
const MAX_TRIMMED_ENTRIES = 1_000;
/** Entries read at once: their size is only known once they are read. So there are few at first, and twice as many each time. */
const FIRST_CHUNK_SIZE = 8;
const MAX_CHUNK_SIZE = 64;
const MAX_WAIT_MS = 1_000;

/** `bytes`: the total of all entries up to this one. */
type EntryHead = [id: number, bytes: number];

export class SqliteFeedStore implements FeedStore {
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();

  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#statements = database.statements;
    this.#clock = clock;
  }

  /** The end of the feed, for reads in the same tick. */
  get position(): FeedPosition {
    const [epoch] = this.#statements.epoch.get() as unknown as [string];
    return [{ epoch, entry: String(this.#newest()[0]) }];
  }

  end(): Promise<FeedPosition> {
    return this.#database.attempt('read the change feed', () => this.position);
  }

  at(timeMs: number): Promise<FeedPosition> {
    return this.#database.attempt('read the change feed', () => {
      const { epoch, oldestEntry } = this.#statements;
      const [id] = this.#newestUpTo(timeMs * 1_000 - 1) ?? (oldestEntry.get() as unknown as EntryHead);
      return [{ epoch: (epoch.get() as unknown as [string])[0], entry: String(id) }];
    });
  }

  read(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    return this.#database.attempt('read the change feed', () => this.#entriesAfter(after, limit));
  }

  /** Also resolves when the store is closed. */
  waitForChange(after: FeedPosition, signal: AbortSignal): Promise<void> {
    return this.#database.attempt('read the change feed', () => {
      if (signal.aborted || String(this.#newest()[0]) !== after[0]?.entry) return undefined;
      return new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          this.#waiters.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, MAX_WAIT_MS);
        signal.addEventListener('abort', wake);
        this.#waiters.add(wake);
      });
    });
  }

  trim(limits: FeedLimits): Promise<boolean> {
    return this.#database.attempt('trim the change feed', () => this.#trim(limits));
  }

  extent(): Promise<FeedExtent> {
    return this.#database.attempt('read the change feed', () => {
      const [oldestId, oldestBytes] = this.#statements.oldestEntry.get() as unknown as EntryHead;
      const [newestId, newestBytes] = this.#newest();
      const atMs = (id: number) => Math.floor(id / 1_000);
      return {
        bytes: newestBytes - oldestBytes,
        announcedBytes: newestBytes,
        oldestAtMs: atMs(oldestId),
        newestAtMs: atMs(newestId),
      };
    });
  }

  /** Must be called at most once per transaction. Returns the id of the last entry. */
  append(entries: readonly string[]): number {
    let [id, bytes] = this.#newest();
    for (const changes of entries) {
      id = Math.max(this.#clock.now() * 1_000, id + 1);
      bytes += Buffer.byteLength(changes);
      this.#statements.addEntry.run(id, changes, bytes);
    }
    return id;
  }

  /** Must be called after a transaction that appended entries. */
  wake(): void {
    for (const wake of this.#waiters) wake();
  }

  #entriesAfter(after: FeedPosition, limit: number): FeedEntry[] | null {
    const [start] = after;
    const [epoch] = this.#statements.epoch.get() as unknown as [string];
    if (after.length !== 1 || start?.epoch !== epoch) return null;
    const first = Number(start.entry);
    const own = this.#read(first, 1)[0];
    // If its own entry is gone, later ones may be gone, too.
    if (own?.id !== start.entry) return null;
    const entries = start.changeOffset === undefined ? [] : [own];
    let bytes = 0;
    let chunkSize = FIRST_CHUNK_SIZE;
    for (let from = first + 1; entries.length < limit && bytes < MAX_PAGE_BYTES; ) {
      const chunk = this.#read(from, Math.min(chunkSize, limit - entries.length));
      chunkSize = Math.min(2 * chunkSize, MAX_CHUNK_SIZE);
      if (chunk.length === 0) break;
      for (const entry of chunk) {
        if (bytes >= MAX_PAGE_BYTES) break;
        entries.push(entry);
        bytes += Buffer.byteLength(entry.changes);
        from = Number(entry.id) + 1;
      }
    }
    return entries;
  }

  #trim({ retentionMs, maxBytes }: FeedLimits): boolean {
    const [oldestId] = this.#statements.oldestEntry.get() as unknown as [number];
    const newest = this.#newest();
    const newestExpired = this.#newestUpTo(Math.min((this.#clock.now() - retentionMs) * 1_000, newest[0]) - 1);
    // The newest entry is never dropped. The newest one that exceeds a limit stays as well: it is the position of a reader that
    // has not missed any of the entries kept.
    const keptId = Math.max(oldestId, newestExpired?.[0] ?? 0, this.#newestOverBytes(oldestId, newest, maxBytes) ?? 0);
    const [limitId = keptId] = (this.#statements.entryAt.get(MAX_TRIMMED_ENTRIES) as [number] | undefined) ?? [];
    if (keptId > oldestId) this.#statements.trim.run(Math.min(keptId, limitId));
    return limitId < keptId;
  }

  /** The id of the newest entry that exceeds `maxBytes`. Binary search, because entries may be large. */
  #newestOverBytes(oldestId: number, [newestId, bytes]: EntryHead, maxBytes: number): number | undefined {
    let found: number | undefined;
    for (let [low, high] = [oldestId - 1, newestId]; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      const entry = this.#newestUpTo(middle);
      const isOver = entry !== undefined && entry[1] < bytes - maxBytes;
      if (isOver) [low, found] = [middle, entry[0]];
      else high = middle - 1;
    }
    return found;
  }

  #newestUpTo(id: number): EntryHead | undefined {
    return this.#statements.entryUpTo.get(id) as EntryHead | undefined;
  }

  #read(fromId: number, limit: number): FeedEntry[] {
    const rows = this.#statements.entriesFrom.all(fromId, limit) as [number, string][];
    return rows.map(([id, changes]) => ({ shard: 0, id: String(id), changes }));
  }

  #newest(): EntryHead {
    return this.#statements.newestEntry.get() as unknown as EntryHead;
  }
}
