// Fills a database of history by SQL: through the service, millions of connections would take an hour. The service has created the tables
// and is stopped meanwhile.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import pg from 'pg';

const DAY_MS = 86_400_000;
/** Of each participant, and of each tag: so a page of 100 is full whatever the number of connections is. */
const PER_PARTICIPANT = 200;
const PER_TAG = 1_000;
const RANGE_MS = 90 * DAY_MS;
const LONGEST_MS = 2 * 3_600_000;
/** Indexes are created anew: otherwise, they would have to be changed with each row. */
const INDEX = /^CREATE (?:UNIQUE )?INDEX "?(\w+)/;

const COLUMNS = `source, scope, participant_id, device_id, generation, number, tag, connected_at_ms, started_at_ms, ended_at_ms, cause,
  interruptions, version`;

/** The n-th connection, which lasts up to two hours. */
function valuesOf(count, endMs) {
  const startMs = `(${endMs - LONGEST_MS - RANGE_MS} + n * ${Math.floor(RANGE_MS / count)})`;
  const participants = Math.ceil(count / PER_PARTICIPANT);
  const tags = Math.ceil(count / PER_TAG);
  const endedMs = `${startMs} + 1 + (n * 7919) % ${LONGEST_MS}`;
  return `'bandwidth', '', '473f6544-92f7-4d67-9e77-bf25' || (10000000 + (n * 7919) % ${participants}),
    'be199214-1a03-402a-a7b6-d002470a0465', n, 0, 'hello-world-phone-' || ((n * 104729) % ${tags}), ${startMs}, ${startMs},
    ${endedMs}, 'left', 0, n`;
}

export function participantOf(n, count) {
  return `473f6544-92f7-4d67-9e77-bf25${10_000_000 + (n % Math.ceil(count / PER_PARTICIPANT))}`;
}

export function tagOf(n, count) {
  return `hello-world-phone-${n % Math.ceil(count / PER_TAG)}`;
}

/** A time in the range of the connections. `share`: 0 to 1. */
export function timeAt(share, endMs) {
  return endMs - LONGEST_MS - Math.floor(share * (RANGE_MS - LONGEST_MS));
}

const keptFrom = (endMs) => `UPDATE projector SET kept_from_ms = ${endMs - 2 * RANGE_MS}, longest_ms = ${LONGEST_MS}`;

function dropping(indexes) {
  return indexes.map((text) => `DROP INDEX ${INDEX.exec(text)[1]}`).join('; ');
}

/** Returns the number of bytes that each connection takes, with its indexes. */
export function fillSqlite(dataDir, count, endMs) {
  const file = join(dataDir, 'history.db');
  const db = new Database(file);
  const indexes = db.prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").all();
  const texts = indexes.map(({ sql }) => sql);
  db.exec(`${dropping(texts)}; BEGIN`);
  db.exec(`WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${count})
    INSERT INTO connections (${COLUMNS}) SELECT ${valuesOf(count, endMs)} FROM numbers`);
  db.exec('COMMIT; PRAGMA cache_size = -500000');
  for (const text of texts) db.exec(text);
  db.exec(keptFrom(endMs));
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  return statSync(file).size / count;
}

/** The same for PostgreSQL. */
export async function fillPostgres(url, count, endMs) {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(
    "SELECT indexdef AS sql FROM pg_indexes WHERE tablename = 'connections' AND indexname NOT LIKE '%_pkey'",
  );
  const texts = rows.map(({ sql }) => sql);
  await client.query(dropping(texts));
  // Without the triggers, which would keep a copy of all rows until the end.
  await client.query('SET session_replication_role = replica');
  await client.query(`INSERT INTO connections (${COLUMNS})
    SELECT ${valuesOf(count, endMs)} FROM generate_series(0::bigint, ${count - 1}::bigint) AS numbers(n)`);
  await client.query("SET maintenance_work_mem = '512MB'");
  for (const text of texts) await client.query(text);
  await client.query(keptFrom(endMs));
  await client.query('VACUUM ANALYZE connections');
  const { rows: sizes } = await client.query("SELECT pg_total_relation_size('connections') AS bytes");
  await client.end();
  return Number(sizes[0].bytes) / count;
}
