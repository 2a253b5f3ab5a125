// The feed in the embedded store: a table with an entry for each commit that announces, added in its transaction.
import type { Clock } from '../../runtime/clock.js';
import type { FeedPosition } from '../feed-position.js';
import { type FeedEntry, type FeedLimits, type FeedStore, MAX_PAGE_BYTES } from '../ports.js';
import type { SqliteDatabase } from './sqlite-database.js';
import type { Statements } from './statements.js';

/** How many entries one call drops: nothing else is done by this process meanwhile. */
const TRIM_SIZE = 1_000;
/** How large entries are is known only when they are read: so many at once. */
const CHUNK_SIZE = 8;
const LONGEST_WAIT_MS = 1_000;

/** Id, and bytes of all changes up to it. */
type EntryHead = [id: number, bytes: number];

export class SqliteFeedStore implements FeedStore {
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#statements = database.statements;
    this.#clock = clock;
  }

  /** The end, for what is read in the same turn. */
  get position(): FeedPosition {
    const [epoch] = this.#statements.epoch.get() as unknown as [string];
    return [{ epoch, entry: String(this.#newest()[0]) }];
  }

  end(): Promise<FeedPosition> {
    return this.#database.attempt('read the change feed', () => this.position);
  }

  read(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    return this.#database.attempt('read the change feed', () => this.#entriesAfter(after, limit));
  }

  /** Also when the store is closed. */
  waitForChange(after: FeedPosition, signal: AbortSignal): Promise<void> {
    return this.#database.attempt('read the change feed', () => {
      if (signal.aborted || String(this.#newest()[0]) !== after[0]?.entry) return undefined;
      return new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, LONGEST_WAIT_MS);
        signal.addEventListener('abort', wake);
        this.#waiting.add(wake);
      });
    });
  }

  trim(limits: FeedLimits): Promise<boolean> {
    return this.#database.attempt('trim the change feed', () => this.#trim(limits));
  }

  /** To be called once, within the transaction of the commit that announces them. The id of the last one. */
  append(entries: readonly string[]): number {
    let [id, bytes] = this.#newest();
    for (const changes of entries) {
      id = Math.max(this.#clock.now() * 1_000, id + 1);
      bytes += Buffer.byteLength(changes);
      this.#statements.addEntry.run(id, changes, bytes);
    }
    return id;
  }

  /** To be called when a transaction with an entry in it has ended. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #entriesAfter(after: FeedPosition, limit: number): FeedEntry[] | null {
    const [place] = after;
    const [epoch] = this.#statements.epoch.get() as unknown as [string];
    if (after.length !== 1 || place?.epoch !== epoch) return null;
    const first = Number(place.entry);
    const own = this.#read(first, 1)[0];
    // It shows that none is missing.
    if (own?.id !== place.entry) return null;
    const entries = place.taken === undefined ? [] : [own];
    let bytes = 0;
    for (let from = first + 1; entries.length < limit && bytes < MAX_PAGE_BYTES; ) {
      const chunk = this.#read(from, Math.min(CHUNK_SIZE, limit - entries.length));
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
    const tooOld = this.#newestUpTo(Math.min((this.#clock.now() - retentionMs) * 1_000, newest[0]) - 1);
    // The newest entry is never over a limit. The last of those that are stays, too: it is the place of a reader who has
    // missed nothing that is held.
    const keptId = Math.max(oldestId, tooOld?.[0] ?? 0, this.#newestOverBytes(oldestId, newest, maxBytes) ?? 0);
    const [limitId = keptId] = (this.#statements.entryAt.get(TRIM_SIZE) as [number] | undefined) ?? [];
    if (keptId > oldestId) this.#statements.trim.run(Math.min(keptId, limitId));
    return limitId < keptId;
  }

  /** The id of the newest entry that is over the limit of bytes; undefined: none is. Found by halving: entries may be large. */
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
