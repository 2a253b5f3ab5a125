// The open database of history, SQLite or PostgreSQL, with the schema that this version knows. It is imported when it is needed, so that
// the query builder is not loaded if history is off.
import { Kysely, PostgresDialect, type Sql, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import type { Logger } from 'pino';
import type { HistoryFile } from './history-file.js';
import { SCHEMA_VERSION, type SqlDialect, statementsFrom } from './migrations.js';
import type { Tables } from './tables.js';

/** Between the processes that create the tables. */
const MIGRATION_LOCK = 7_655_425;
const MAX_CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 5_000;
/** Answers that take longer are of no use to anybody, and would occupy the connections. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** A process that dies within a transaction without closing its connection holds locks, which would stop all others from writing. */
const IDLE_TRANSACTION_TIMEOUT_MS = 10_000;

export interface SqlTools {
  readonly dialect: SqlDialect;
  readonly sql: Sql;
}

export interface HistoryDatabase extends SqlTools {
  readonly db: Kysely<Tables>;
  /** Only for queries, which wait for no transaction of `db`. */
  readonly reads: Kysely<Tables>;
  /** For humans, without secrets. */
  readonly description: string;
  /** Everything that `read` sees is of one moment, however long it takes, and nothing waits for it but other calls of this. */
  snapshot<T>(read: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Rejects if the database cannot be used, with what is wrong and what to do about it. */
export async function openHistoryDatabase(
  place: HistoryFile | { readonly databaseUrl: string },
  log: Logger,
): Promise<HistoryDatabase> {
  return 'database' in place ? openSqlite(place) : openPostgres(place.databaseUrl, log);
}

function openSqlite({ database, path }: HistoryFile): HistoryDatabase {
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
  // A connection has one transaction at a time, and those of the projector must not wait, nor should queries wait for them.
  const openReader = () =>
    new Kysely<Tables>({ dialect: new SqliteDialect({ database: new Database(path, { readonly: true }) }) });
  const [reads, snapshots] = [openReader(), openReader()];
  return {
    db,
    reads,
    sql,
    dialect: 'sqlite',
    description: `SQLite at ${path}`,
    snapshot: (read) => snapshots.transaction().execute(read),
    close: async () => {
      await reads.destroy();
      await snapshots.destroy();
      await db.destroy();
    },
  };
}

async function openPostgres(connectionString: string, log: Logger): Promise<HistoryDatabase> {
  const { default: pg } = await import('pg');
  const types = new pg.TypeOverrides();
  // Times and counts fit into the integers of JavaScript.
  types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({
    connectionString,
    types,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
    application_name: 'rollcall',
  });
  // Otherwise a connection that breaks between two queries would end the process. The next query opens another one.
  const onError = (error: Error) => log.debug({ reason: error.message }, 'a connection of history broke');
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError));
  try {
    await migrate(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const { host, database = '' } = pool.options;
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    reads: db,
    sql,
    dialect: 'postgres',
    description: `PostgreSQL at ${host ?? new URL(connectionString).host}/${database}`,
    snapshot: (read) => db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read),
    close: () => db.destroy(),
  };
}

interface Pool {
  connect(): Promise<{
    query(text: string): Promise<{ rows: { version: number }[] }>;
    release(): void;
  }>;
}

async function migrate(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await client.query('CREATE TABLE IF NOT EXISTS rollcall_schema (version INTEGER NOT NULL)');
    const { rows } = await client.query('SELECT version FROM rollcall_schema');
    const version = rows[0]?.version ?? 0;
    if (version > SCHEMA_VERSION) {
      const known = `its schema is ${version}, this version reads ${SCHEMA_VERSION}`;
      throw new Error(
        `DATABASE_URL: the tables were created by a newer version of Rollcall (${known}). Run that version`,
      );
    }
    if (version < SCHEMA_VERSION) {
      await client.query(statementsFrom(version, 'postgres'));
      await client.query(`DELETE FROM rollcall_schema; INSERT INTO rollcall_schema VALUES (${SCHEMA_VERSION})`);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
