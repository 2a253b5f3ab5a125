// Writes the changes of the feed to the table of connections.
import type { Kysely } from 'kysely';
import type { Change } from '../domain/change.js';
import { ConnectionBatch, type DeviceKeys, deviceKeysOf, type StoredRow, type WrittenRow } from './connection-batch.js';
import { ConnectionStatements } from './connection-statements.js';
import type { SqlTools } from './history-database.js';
import type { LastConnections } from './last-connections.js';
import type { Tables } from './tables.js';

interface Options {
  /** Those that need not be looked for in the table. */
  readonly known?: LastConnections;
  /** The changes are those of records instead of the feed, and so are right whatever the rows say. */
  readonly isRebuild?: boolean;
}

/** Resolves with what was written. */
export async function project(
  db: Kysely<Tables>,
  tools: SqlTools,
  changes: readonly Change[],
  { known, isRebuild = false }: Options = {},
): Promise<ConnectionBatch> {
  const statements = new ConnectionStatements(db, tools);
  const keys = deviceKeysOf(changes);
  const batch = new ConnectionBatch(keys, await lastRows(statements, keys, known), isRebuild);
  for (const change of changes) batch.apply(change);
  const { written } = batch;
  const updates = written.filter(isUpdate);
  const others = updates.filter((one) => !isEnd(one));
  await statements.remove(batch.removals);
  await statements.update(others, 'all but the end');
  await statements.update(updates.filter(isEnd), 'all');
  await statements.upsert(written.filter((one) => !isUpdate(one)));
  await statements.retag(batch.newTags);
  return batch;
}

/** In the order of the keys. */
async function lastRows(
  statements: ConnectionStatements,
  deviceKeys: DeviceKeys,
  known: LastConnections | undefined,
): Promise<(StoredRow | undefined)[]> {
  const keys = [...deviceKeys.values()];
  const rows = keys.map((key) => known?.of(key));
  const others = keys.filter((_, n) => rows[n] === undefined);
  const found = await statements.lastRows(others);
  let next = 0;
  return rows.map((row) => row ?? found[next++]);
}

/** Whether no index has to be changed but that of open connections: indexes take most of the time of a write. */
function isUpdate({ row, keepsTag, stored }: WrittenRow): boolean {
  return stored?.row.started_at_ms === row.started_at_ms && (keepsTag || stored.row.tag === row.tag);
}

/** Whether it ends, or its end or cause is another one. */
function isEnd({ row, stored }: WrittenRow): boolean {
  return stored?.row.ended_at_ms !== row.ended_at_ms || stored.row.cause !== row.cause;
}
