// Reads the whole database in small steps, so that damage to the file is found before the data is needed, and while a backup may still
// have it. Each step reads a range of one table or index, because SQLite's own check of a large file would block callbacks for seconds.
import type Database from 'libsql';

/** Takes about a millisecond. */
const ROWS_PER_STEP = 1_000;
/** SQLite checks about 1 MB per millisecond: for 100,000 participants, 80 MB. */
const MAX_CHECKED_BYTES = 256 * 1024 * 1024;

/** Lower than every value of the column. */
const [TEXT, NUMBER] = ['', Number.MIN_SAFE_INTEGER];

interface Tree {
  /** A table, or the table and one of its indexes. */
  readonly from: string;
  /** The columns that it is sorted by, which together are unique, each with a value lower than all of its own. */
  readonly columns: Readonly<Record<string, string | number>>;
  readonly where?: string;
}

const participantsBy = (index: string, columns: Tree['columns']): Tree => ({
  from: `participants INDEXED BY participants_by_${index}`,
  columns: { ...columns, key: TEXT },
});
const participantsByGroup = (column: string): Tree => ({
  ...participantsBy(column, { source: TEXT, [column]: TEXT, state: TEXT, since_ms: NUMBER }),
  where: `${column} IS NOT NULL AND`,
});

/** All tables and indexes of schema.ts that grow. */
const TREES: readonly Tree[] = [
  { from: 'participants', columns: { key: TEXT } },
  participantsBy('state', { source: TEXT, state: TEXT, since_ms: NUMBER }),
  participantsByGroup('tag'),
  participantsByGroup('scope'),
  participantsByGroup('id'),
  participantsBy('deadline', { due_ms: NUMBER }),
  { from: 'occupancy', columns: { name: TEXT, source: TEXT } },
  { from: 'entries', columns: { id: NUMBER } },
  { from: 'refs', columns: { ref: TEXT } },
  { from: 'refs INDEXED BY refs_by_end', columns: { until_ms: NUMBER, ref: TEXT } },
];

/** Throws an error like those of SQLite if the file is damaged. Blocks the process; does nothing if the file is large. */
export function checkSmallFile(db: Database.Database): void {
  const [bytes] = db
    .prepare('SELECT page_count * page_size FROM pragma_page_count, pragma_page_size')
    .raw()
    .get() as unknown as [number];
  if (bytes > MAX_CHECKED_BYTES) return;
  const [result] = db.prepare('PRAGMA quick_check(1)').raw().get() as unknown as [string];
  if (result !== 'ok') throw Object.assign(new Error(result), { code: 'SQLITE_CORRUPT' });
}

export class DamageScan {
  readonly #statements: readonly Database.Statement[];
  #tree = 0;
  /** The last row that was read in the current tree. */
  #last: readonly unknown[] = startOf(TREES[0]);

  constructor(db: Database.Database) {
    this.#statements = TREES.map(({ from, columns, where = '' }) => {
      const names = Object.keys(columns);
      const [list, marks] = [names.join(), names.map(() => '?').join()];
      const sql = `SELECT ${list} FROM ${from} WHERE ${where} (${list}) > (${marks}) ORDER BY ${list}`;
      return db.prepare(`${sql} LIMIT 1 OFFSET ${ROWS_PER_STEP - 1}`).raw();
    });
  }

  /** Reads the next rows. Returns true at the end of the database; the next step begins again. Throws errors of SQLite. */
  step(): boolean {
    const last = this.#statements[this.#tree]?.get(...this.#last) as unknown[] | undefined;
    if (last === undefined) this.#tree = (this.#tree + 1) % TREES.length;
    this.#last = last ?? startOf(TREES[this.#tree]);
    return last === undefined && this.#tree === 0;
  }
}

function startOf(tree: Tree | undefined): readonly unknown[] {
  return Object.values(tree?.columns ?? {});
}
