// The feed in the embedded store: a table with an entry for each commit that announces, added in its transaction.
import type { FeedPosition } from '../feed-position.js';
import type { FeedEntry, FeedLimits } from '../presence-store.js';
import type { Statements } from './statements.js';

/** How many entries one call looks at to trim: nothing else is done by this process meanwhile. */
const TRIM_SIZE = 1_000;
const LONGEST_WAIT_MS = 1_000;

/** Id, and bytes of all changes up to it. */
type EntryHead = [id: number, bytes: number];

export class SqliteFeed {
  readonly #statements: Statements;
  readonly #waiting = new Set<() => void>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  position(): FeedPosition {
    const [epoch] = this.#statements.epoch.get() as unknown as [string];
    return [{ epoch, entry: String(this.#newest()[0]) }];
  }

  changes(after: FeedPosition, limit: number): FeedEntry[] | null {
    const [place] = after;
    const [epoch] = this.#statements.epoch.get() as unknown as [string];
    if (after.length !== 1 || place?.epoch !== epoch) return null;
    const found = this.#statements.entriesFrom.all(Number(place.entry), limit + 1) as [number, string][];
    // The place's own entry comes first, and shows that none is missing.
    if (String(found[0]?.[0]) !== place.entry) return null;
    const entries = found.map(([id, changes]) => ({ shard: 0, id: String(id), changes }));
    return (place.taken === undefined ? entries.slice(1) : entries).slice(0, limit);
  }

  /** Also when the store is closed. */
  async changed(after: FeedPosition, signal: AbortSignal): Promise<void> {
    if (signal.aborted || String(this.#newest()[0]) !== after[0]?.entry) return;
    await new Promise<void>((resolve) => {
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
  }

  /** To be called once, within the transaction of the commit that announces them. The id of the last one. */
  add(entries: readonly string[]): number {
    let [id, bytes] = this.#newest();
    for (const changes of entries) {
      id = Math.max(Date.now() * 1_000, id + 1);
      bytes += Buffer.byteLength(changes);
      this.#statements.addEntry.run(id, changes, bytes);
    }
    return id;
  }

  /** To be called when a transaction with an entry in it has ended. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  trim({ retentionMs, maxBytes }: FeedLimits): boolean {
    const [newestId, bytes] = this.#newest();
    const oldestId = (Date.now() - retentionMs) * 1_000;
    const oldest = this.#statements.oldestEntries.all(TRIM_SIZE) as EntryHead[];
    const isOver = ([id, upTo]: EntryHead) => id !== newestId && (id < oldestId || upTo < bytes - maxBytes);
    const firstHeld = oldest.findIndex((entry) => !isOver(entry));
    // The last of those over a limit stays: it is the place of a reader who has missed nothing that is held.
    const [keptId] = oldest.at(firstHeld - (firstHeld > 0 ? 1 : 0)) ?? [0];
    if (firstHeld !== 0) this.#statements.trim.run(keptId);
    return firstHeld === -1;
  }

  #newest(): EntryHead {
    return this.#statements.newestEntry.get() as unknown as EntryHead;
  }
}
