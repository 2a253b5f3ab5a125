// Notes how far back the past has changed, so that statistics of a time can be kept until something before its end changes. Triggers
// do it: whatever changes connections, for whatever reason, does so in its own transaction.
//
// What a connection says of the time before a moment is whether it had begun by then, and whether and why it had ended. So a row that
// changes affects the time from the first of these that differs, and all of the time after it: a stay that ends later may have
// another length. While a transaction writes, `changed_from_ms` of the projector becomes the earliest of these times. The next one
// begins with its position, and turns it into a revision.
import type { Kysely, Sql } from 'kysely';
import type { SqlDialect } from './migrations.js';
import type { Tables } from './tables.js';

/** Revisions are rounded down to this, so that there are not more of them than minutes. */
const ROUNDED_TO_MS = 60_000;

/** NULL: nothing has changed that statistics depend on. `least`: of two numbers; NULL if both are, else that which is not. */
const changedFrom = (row: string, newRow: string, least: (one: string, other: string) => string) => `
  CASE
    WHEN ${row}.started_at_ms <> ${newRow}.started_at_ms OR ${row}.tag IS DISTINCT FROM ${newRow}.tag
    THEN ${least(`${row}.started_at_ms`, `${newRow}.started_at_ms`)}
    WHEN ${row}.ended_at_ms IS DISTINCT FROM ${newRow}.ended_at_ms OR ${row}.cause IS DISTINCT FROM ${newRow}.cause
    THEN ${least(`${row}.ended_at_ms`, `${newRow}.ended_at_ms`)}
  END`;

/** Deleted because of the retention: statistics of the time before are not kept. */
const isForgotten = (row: string) => `${row}.ended_at_ms < (SELECT kept_from_ms FROM projector)`;

/** A new revision replaces those of later times, so revisions ascend with the time. */
const ADD_REVISION = `
  INSERT INTO revisions (from_ms, revision)
    SELECT
      NEW.changed_from_ms - ((NEW.changed_from_ms % ${ROUNDED_TO_MS}) + ${ROUNDED_TO_MS}) % ${ROUNDED_TO_MS},
      coalesce((SELECT revision FROM revisions ORDER BY from_ms DESC LIMIT 1), 0) + 1
    WHERE true
    ON CONFLICT (from_ms) DO UPDATE SET revision = excluded.revision;
  DELETE FROM revisions WHERE from_ms > NEW.changed_from_ms;
  UPDATE projector SET changed_from_ms = NULL;`;

/** For each row, with as little as possible for all but the first ones of a transaction. */
function sqliteTriggers(): string {
  const least = (one: string, other: string) => `min(coalesce(${one}, ${other}), coalesce(${other}, ${one}))`;
  const lower = (changedFromMs: string) => `
    WHEN (SELECT changed_from_ms IS NULL OR changed_from_ms > ${changedFromMs} FROM projector)
    BEGIN UPDATE projector SET changed_from_ms = ${changedFromMs} WHERE ${changedFromMs} IS NOT NULL; END;`;
  return `
    CREATE TRIGGER connections_after_insert AFTER INSERT ON connections
    ${lower('NEW.started_at_ms')}
    CREATE TRIGGER connections_after_delete AFTER DELETE ON connections
    ${lower(`CASE WHEN (${isForgotten('OLD')}) IS NOT TRUE THEN OLD.started_at_ms END`)}
    CREATE TRIGGER connections_after_update AFTER UPDATE OF started_at_ms, ended_at_ms, cause, tag ON connections
    ${lower(changedFrom('OLD', 'NEW', least))}
    CREATE TRIGGER projector_after_update AFTER UPDATE OF position ON projector WHEN NEW.changed_from_ms IS NOT NULL
    BEGIN ${ADD_REVISION} END`;
}

/** For each statement. The lock makes other transactions wait, which would otherwise not see what this one has changed. */
function postgresTriggers(): string {
  const least = (one: string, other: string) => `least(${one}, ${other})`;
  const triggerAfter = (event: string, tables: string) => `
    CREATE TRIGGER connections_after_${event} AFTER ${event} ON connections REFERENCING ${tables}
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_connections();`;
  return `
    CREATE FUNCTION note_changed_connections() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE earliest_ms BIGINT;
    BEGIN
      PERFORM FROM projector FOR UPDATE;
      IF TG_OP = 'INSERT' THEN
        earliest_ms := (SELECT min(n.started_at_ms) FROM new_rows n);
      ELSIF TG_OP = 'DELETE' THEN
        earliest_ms := (SELECT min(o.started_at_ms) FROM old_rows o WHERE (${isForgotten('o')}) IS NOT TRUE);
      ELSE
        earliest_ms := (SELECT min(${changedFrom('o', 'n', least)}) FROM old_rows o JOIN new_rows n ON n.id = o.id);
      END IF;
      UPDATE projector SET changed_from_ms = earliest_ms WHERE changed_from_ms IS NULL OR changed_from_ms > earliest_ms;
      RETURN NULL;
    END $$;
    ${triggerAfter('insert', 'NEW TABLE AS new_rows')}
    ${triggerAfter('delete', 'OLD TABLE AS old_rows')}
    ${triggerAfter('update', 'OLD TABLE AS old_rows NEW TABLE AS new_rows')}
    CREATE FUNCTION add_revision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN ${ADD_REVISION} RETURN NULL; END $$;
    CREATE TRIGGER projector_after_update AFTER UPDATE OF position ON projector FOR EACH ROW
    WHEN (NEW.changed_from_ms IS NOT NULL) EXECUTE FUNCTION add_revision()`;
}

/** For the schema. */
export function revisionStatements(dialect: SqlDialect): string {
  return `
    ALTER TABLE projector ADD COLUMN changed_from_ms BIGINT;
    CREATE TABLE revisions (from_ms BIGINT PRIMARY KEY, revision BIGINT NOT NULL);
    ${dialect === 'sqlite' ? sqliteTriggers() : postgresTriggers()}`;
}

/** For each time: what connections say of the time before it is the same as long as this number is. */
export async function revisionsBefore(db: Kysely<Tables>, sql: Sql, timesMs: readonly number[]): Promise<number[]> {
  const revisions = timesMs.map(() => 0);
  if (timesMs.length === 0) return revisions;
  const values = timesMs.map((ms, place) => sql`(${sql.lit(place)}, ${sql.lit(ms)})`);
  const { rows } = await sql<{ place: number; revision: number | null }>`
    SELECT k.column1 AS place, (
      SELECT r.revision FROM revisions r WHERE r.from_ms < k.column2 ORDER BY r.from_ms DESC LIMIT 1
    ) AS revision
    FROM (VALUES ${sql.join(values)}) k`.execute(db);
  for (const { place, revision } of rows) revisions[place] = revision ?? 0;
  return revisions;
}

/** Deletes those of the time before, except for the last one, which is also that of the time after it. */
export async function forgetRevisions(db: Kysely<Tables>, beforeMs: number): Promise<void> {
  const last = db
    .selectFrom('revisions')
    .select(({ fn }) => fn.max('from_ms').as('from_ms'))
    .where('from_ms', '<', beforeMs);
  await db.deleteFrom('revisions').where('from_ms', '<', last).execute();
}
