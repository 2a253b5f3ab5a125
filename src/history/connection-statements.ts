// The statements of the projection. Each takes its rows as one parameter with JSON: a parameter for each value would cost more
// processor time than the rest of the projection. Rows of which no indexed column changes are written by a statement of their own,
// because SQLite writes the pages of an index even if the value stays the same.
import type { Kysely, RawBuilder, Sql } from 'kysely';
import type { DeviceKey, NewRow, NewTag, Removal, StoredRow, WrittenRow } from './connection-batch.js';
import type { SqlTools } from './history-database.js';
import type { SqlDialect } from './migrations.js';
import type { Tables } from './tables.js';

const KEY = ['participant_id', 'device_id', 'source', 'scope'] as const;
const NUMBERS = ['generation', 'number'] as const;
const INDEXED = ['started_at_ms', 'tag'] as const;
/** Whether a connection has ended is in an index, and triggers look at both. */
const END = ['ended_at_ms', 'cause'] as const;
const PLAIN = ['connected_at_ms', 'lost_at_ms', 'interruptions', 'version'] as const;
const STORED = [...NUMBERS, ...INDEXED, ...PLAIN, ...END] as const;
const COLUMNS = [...KEY, ...STORED] as const;
const NEW_TAG = ['participant_id', 'source', 'scope', 'tag', 'version'] as const;
const TEXTS: readonly string[] = [...KEY, 'tag', 'cause'];

type Values<Names extends readonly (keyof NewRow)[]> = { [N in keyof Names]: NewRow[Names[N]] };
type StoredValues = [...Values<typeof STORED>];

/** The last connections come as one text: the driver would decode each column of each row. */
const AS_TEXT = {
  sqlite: { rows: 'json_group_array', row: 'json_array' },
  postgres: { rows: 'json_agg', row: 'json_build_array' },
} as const;

export class ConnectionStatements {
  readonly #db: Kysely<Tables>;
  readonly #dialect: SqlDialect;
  readonly #sql: Sql;

  constructor(db: Kysely<Tables>, { dialect, sql }: SqlTools) {
    this.#db = db;
    this.#dialect = dialect;
    this.#sql = sql;
  }

  /** The last connection of each device, in the order of the devices. */
  async lastRows(keys: readonly DeviceKey[]): Promise<(StoredRow | undefined)[]> {
    const rows = keys.map((): StoredRow | undefined => undefined);
    if (keys.length === 0) return rows;
    const { rows: asRows, row: asRow } = AS_TEXT[this.#dialect];
    const text = this.#sql.raw(
      `CAST(${asRows}(${asRow}(k.place, c.id, ${STORED.map((name) => `c.${name}`).join()})) AS TEXT)`,
    );
    const given = keys.map((key, place) => [...valuesOf(key, KEY), place]);
    const { rows: result } = await this.#sql<{ found: string | null }>`
      SELECT ${text} AS found
      FROM (
        SELECT g.place, (
          SELECT c.id FROM connections c WHERE ${this.#isSame(KEY)} ORDER BY c.generation DESC, c.number DESC LIMIT 1
        ) AS id
        FROM (${this.#rows(given, [...KEY, 'place'])}) g
      ) k
      JOIN connections c ON c.id = k.id`.execute(this.#db);
    for (const [place, id, ...values] of JSON.parse(result[0]?.found ?? '[]') as [number, number, ...StoredValues][]) {
      rows[place] = { id, row: rowOf(keys[place] as DeviceKey, values) };
    }
    return rows;
  }

  async remove(removals: readonly Removal[]): Promise<void> {
    if (removals.length === 0) return;
    const names = [...KEY, ...NUMBERS] as const;
    const given = this.#rows(
      removals.map((removal) => valuesOf(removal, names)),
      names,
    );
    await this.#sql`
      DELETE FROM connections WHERE id IN (
        SELECT c.id FROM (${given}) g JOIN connections c
        ON ${this.#isSame(KEY)} AND c.generation = g.generation AND c.number > g.number
      )`.execute(this.#db);
  }

  /** Of rows that are stored. */
  async update(written: readonly WrittenRow[], what: 'all but the end' | 'all'): Promise<void> {
    if (written.length === 0) return;
    const names = what === 'all' ? [...PLAIN, ...END] : PLAIN;
    const rows = written.map(({ row, id }) => [id, ...names.map((name) => row[name])]);
    await this.#sql`
      UPDATE connections AS c SET ${this.#sql.raw(names.map((name) => `${name} = g.${name}`).join())}
      FROM (${this.#rows(rows, ['id', ...names])}) g WHERE c.id = g.id`.execute(this.#db);
  }

  /** Chooses the ids of new rows: to have them returned would take as long as a tenth of the write. */
  async upsert(written: readonly WrittenRow[]): Promise<void> {
    if (written.length === 0) return;
    let id = await this.#lastId();
    for (const keepsTag of [true, false]) {
      const some = written.filter((one) => one.keepsTag === keepsTag);
      if (some.length === 0) continue;
      const rows = some.map((one) => {
        id += 1;
        one.id ??= id;
        return [id, ...valuesOf(one.row, COLUMNS)];
      });
      const changed = [...PLAIN, ...END, 'started_at_ms', ...(keepsTag ? [] : ['tag'])];
      // WHERE: without it, SQLite would take ON for that of a join.
      await this.#sql`
        INSERT INTO connections (${this.#sql.raw(['id', ...COLUMNS].join())})
        SELECT * FROM (${this.#rows(rows, ['id', ...COLUMNS])}) g WHERE true
        ON CONFLICT (${this.#sql.raw([...KEY, ...NUMBERS].join())})
        DO UPDATE SET ${this.#sql.raw(changed.map((name) => `${name} = excluded.${name}`).join())}`.execute(this.#db);
    }
  }

  /** Of open connections that no later change has written. */
  async retag(newTags: readonly NewTag[]): Promise<void> {
    if (newTags.length === 0) return;
    const rows = newTags.map((one) => valuesOf(one, NEW_TAG));
    await this.#sql`
      UPDATE connections AS c SET tag = g.tag FROM (${this.#rows(rows, NEW_TAG)}) g
      WHERE ${this.#isSame(['participant_id', 'source', 'scope'])} AND c.ended_at_ms IS NULL AND c.version <= g.version
      AND c.tag IS DISTINCT FROM g.tag`.execute(this.#db);
  }

  async #lastId(): Promise<number> {
    const query = this.#db.selectFrom('connections').select(({ fn }) => fn.max('id').as('id'));
    return (await query.executeTakeFirst())?.id ?? 0;
  }

  /** A query for the given rows, each with a value for each name. */
  #rows(rows: readonly (readonly unknown[])[], names: readonly string[]): RawBuilder<unknown> {
    const columns = this.#sql.raw(names.map((name, n) => this.#column(name, n)).join());
    const json = JSON.stringify(rows);
    if (this.#dialect === 'sqlite') return this.#sql`SELECT ${columns} FROM json_each(${json})`;
    return this.#sql`SELECT ${columns} FROM json_array_elements(${json}::json) AS e(value)`;
  }

  /** Of the row `c` of the table and the given one `g`. */
  #isSame(names: readonly string[]): RawBuilder<unknown> {
    return this.#sql.raw(names.map((name) => `c.${name} = g.${name}`).join(' AND '));
  }

  #column(name: string, n: number): string {
    const value = `value->>${n}`;
    if (this.#dialect === 'sqlite' || TEXTS.includes(name)) return `${value} AS ${name}`;
    return `(${value})::bigint AS ${name}`;
  }
}

function valuesOf<Row, Name extends keyof Row>(row: Row, names: readonly Name[]): Row[Name][] {
  return names.map((name) => row[name]);
}

function rowOf({ source, scope, participant_id, device_id }: DeviceKey, values: StoredValues): NewRow {
  const [generation, number, started_at_ms, tag, connected_at_ms, lost_at_ms, interruptions, version, ...end] = values;
  const [ended_at_ms, cause] = end;
  const key = { source, scope, participant_id, device_id, generation, number };
  const times = { connected_at_ms, started_at_ms, lost_at_ms, ended_at_ms };
  return { ...key, tag, ...times, cause, interruptions, version };
}
