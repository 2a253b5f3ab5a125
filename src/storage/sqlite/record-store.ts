// Records in SQLite: one row each, together with the columns of the presence index. Commits are durable before they resolve:
// WAL with synchronous=FULL, and one transaction, hence one sync, per batch.
import type { SubjectKey } from '../encoding/subject-key.js';
import type { Changeset, Due, DueClaim, Group, RecordStore, StoredRecord, StoreUnavailableError } from '../ports.js';
import type { SqliteFeedStore } from './feed-store.js';
import type { SqliteLabelIndex } from './label-index.js';
import type { SqliteDatabase } from './sqlite-database.js';
import type { Statements } from './statements.js';

/** No participant has an empty key. */
const PROBE_KEY = '' as SubjectKey;

export class SqliteRecordStore implements RecordStore {
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;
  readonly #labels: SqliteLabelIndex;
  readonly #feed: SqliteFeedStore;
  /** The number of participants; undefined until first requested. */
  #size: number | undefined;

  constructor(database: SqliteDatabase, labels: SqliteLabelIndex, feed: SqliteFeedStore) {
    this.#labels = labels;
    this.#database = database;
    this.#statements = database.statements;
    this.#feed = feed;
  }

  async load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null)[]> {
    try {
      return keys.map((key) => (this.#statements.load.get(key) as [string] | undefined)?.[0] ?? null);
    } catch (error) {
      throw this.#database.unavailable('store callbacks', error);
    }
  }

  async commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]> {
    try {
      const outcomes = this.#database.inTransaction(() => this.#apply(changesets));
      this.#database.accepted('store callbacks');
      if (this.#size !== undefined) this.#size += growthOf(changesets, outcomes);
      this.#feed.wake();
      return outcomes;
    } catch (error) {
      const failure = this.#database.unavailable('store callbacks', error, changesets.length);
      return changesets.map(() => failure);
    }
  }

  /** Claims nothing: there is no other process. */
  claimDue({ nowMs, limit }: DueClaim): Promise<Due> {
    return this.#database.attempt('read deadlines', () => {
      const earliest = this.#statements.earliestDue.all(limit + 1) as [SubjectKey, number][];
      const due = earliest.slice(0, limit).filter(([, dueMs]) => dueMs <= nowMs);
      return { keys: due.map(([key]) => key), nextDueMs: earliest[due.length]?.[1] ?? null };
    });
  }

  size(): Promise<number> {
    return this.#database.attempt('read participants', () => {
      // Counting scans all rows. No other process writes to this file, so once is enough.
      this.#size ??= (this.#statements.size.get() as unknown as [number])[0];
      return this.#size;
    });
  }

  /** Does what `load` and `commit` do, on every table, and removes what it has written. */
  probe(): void {
    const { load, check, insert, forget, removeEntry } = this.#statements;
    load.get(PROBE_KEY);
    this.#database.inTransaction(() => {
      check.run();
      insert.run(PROBE_KEY, '', '', 'gone', 0, null, null, null, 0, 0, null, null, null);
      forget.run(PROBE_KEY, '');
      removeEntry.run(this.#feed.append(['']));
    });
  }

  #apply(changesets: readonly Changeset[]): ('done' | 'conflict')[] {
    const isApplied = changesets.map((changeset) => this.#write(changeset));
    this.#feed.append(
      changesets.flatMap(({ changes }, index) => (isApplied[index] && changes !== null ? [changes] : [])),
    );
    return isApplied.map((done) => (done ? 'done' : 'conflict'));
  }

  /** Returns false if the record has changed since it was loaded. */
  #write({ key, before, after }: Changeset): boolean {
    const { insert, update, forget } = this.#statements;
    if (!after) return !before || forget.run(key, before.record).changes === 1;
    const { source, state, sinceMs, groups, devices, dueMs, availability } = after.index;
    const labels = this.#labels.columnOf(after.index.labels);
    const rest = [devices, dueMs, availability?.value ?? null, availability?.sinceMs ?? null, labels] as const;
    const nameOf = (wanted: Group['kind']) => groups.find(({ kind }) => kind === wanted)?.name ?? null;
    const tag = nameOf('tag');
    if (before) return update.run(after.record, state, sinceMs, tag, ...rest, key, before.record).changes === 1;
    const groupNames = [tag, nameOf('scope'), nameOf('id')] as const;
    return insert.run(key, after.record, source, state, sinceMs, ...groupNames, ...rest).changes === 1;
  }
}

function growthOf(changesets: readonly Changeset[], outcomes: readonly ('done' | 'conflict')[]): number {
  const done = changesets.filter((_, index) => outcomes[index] === 'done');
  return done.filter(({ after }) => after).length - done.filter(({ before }) => before).length;
}
