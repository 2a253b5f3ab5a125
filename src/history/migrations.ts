// The schema of history, as the steps that lead to it. A step is never changed once it is released, and never deletes data.
import { revisionStatements } from './revisions.js';

export type SqlDialect = 'sqlite' | 'postgres';

const ID = { sqlite: 'INTEGER PRIMARY KEY', postgres: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY' } as const;

const MIGRATIONS: readonly ((dialect: SqlDialect) => string)[] = [
  (dialect) => `
    CREATE TABLE connections (
      id ${ID[dialect]},
      source TEXT NOT NULL,
      scope TEXT NOT NULL,
      participant_id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      generation BIGINT NOT NULL,
      number INTEGER NOT NULL,
      tag TEXT,
      connected_at_ms BIGINT,
      started_at_ms BIGINT NOT NULL,
      lost_at_ms BIGINT,
      ended_at_ms BIGINT,
      cause TEXT,
      interruptions INTEGER NOT NULL,
      version BIGINT NOT NULL
    );
    CREATE UNIQUE INDEX connections_by_device
      ON connections (participant_id, device_id, source, scope, generation, number);
    CREATE INDEX connections_by_start ON connections (started_at_ms, id);
    CREATE INDEX connections_by_tag ON connections (tag, started_at_ms, id) WHERE tag IS NOT NULL;
    CREATE INDEX connections_by_participant ON connections (participant_id, started_at_ms, id);
    CREATE INDEX open_connections ON connections (started_at_ms, id) WHERE ended_at_ms IS NULL;
    CREATE TABLE gaps (id ${ID[dialect]}, from_ms BIGINT NOT NULL, to_ms BIGINT NOT NULL);
    CREATE TABLE projector (
      id INTEGER PRIMARY KEY,
      token BIGINT NOT NULL,
      position TEXT,
      read_until_ms BIGINT NOT NULL,
      kept_from_ms BIGINT NOT NULL,
      longest_ms BIGINT NOT NULL
    );
    INSERT INTO projector VALUES (1, 0, NULL, 0, 0, 0);
    ${revisionStatements(dialect)}`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** The statements that lead from a version to the current one; 0: there are no tables. */
export function statementsFrom(version: number, dialect: SqlDialect): string {
  return MIGRATIONS.slice(version)
    .map((step) => step(dialect))
    .join(';');
}
