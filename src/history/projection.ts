// Writes the changes of the feed to the table of connections. Each change of a device has its current connection and those earlier ones
// that it adds or corrects, so that a change replaces what was known, however often it is applied.
import { type Kysely, sql } from 'kysely';
import type { Change } from '../domain/change.js';
import type { DeviceConnection, PastConnection } from '../domain/device-connections.js';
import type { ConnectionRow, Tables } from './tables.js';

type NewRow = Omit<ConnectionRow, 'id'>;
type Key = Pick<NewRow, 'source' | 'scope' | 'participant_id' | 'device_id'>;

/** Limits the parameters of one statement. */
const MAX_ROWS = 200;
const KEY_COLUMNS = ['participant_id', 'device_id', 'source', 'scope', 'generation', 'number'] as const;

export interface Projection {
  /** Connections that were written. */
  readonly rows: number;
  /** The length of the longest one that has ended; 0: none. */
  readonly longestMs: number;
}

interface Options {
  /** The changes are those of records instead of the feed, and so are right whatever the rows say. */
  readonly isRebuild?: boolean;
}

export async function project(
  db: Kysely<Tables>,
  changes: readonly Change[],
  { isRebuild = false }: Options = {},
): Promise<Projection> {
  const batch = new Batch(isRebuild);
  const ofDevices = changes.filter(({ deviceId }) => deviceId !== undefined);
  const keys = new Map(ofDevices.map((change) => [textOf(keyOf(change)), keyOf(change)]));
  for (const row of await lastRows(db, [...keys.values()])) batch.add(row);
  for (const change of ofDevices) batch.apply(change);
  await write(db, batch);
  for (const change of changes) if (mayRetag(change)) await retag(db, change);
  return { rows: batch.current.size + batch.past.size, longestMs: batch.longestMs };
}

/** The changes of one transaction, applied to the last connection of each device. */
class Batch {
  readonly #last = new Map<string, NewRow>();
  /** By device, generation and number. */
  readonly current = new Map<string, NewRow>();
  readonly past = new Map<string, NewRow>();
  /** Connections of the generation with a greater number do not exist. */
  readonly removed: NewRow[] = [];
  longestMs = 0;

  constructor(private readonly isRebuild: boolean) {}

  add(row: NewRow): void {
    this.#last.set(textOf(row), row);
  }

  apply(change: Change): void {
    const key = keyOf(change);
    const last = this.#last.get(textOf(key));
    if (last && !this.isRebuild && change.version <= last.version) return;
    const generation = last && !this.#isNewGeneration(change, last) ? last.generation : change.version;
    if (last && last.generation !== generation && last.ended_at_ms === null) this.#end(last, change.sinceMs);
    const connection = change.connection ?? connectionOfRow(change, last);
    const common = { ...key, generation, tag: change.tag ?? null, version: change.version };
    const { from = 0, connections = [] } = connection.correction ?? {};
    for (const [n, one] of connections.entries()) this.#correct(pastRow(common, from + n, one));
    const row = currentRow(common, connection, change);
    this.past.delete(rowKey(row));
    this.#put(this.current, row);
    if (last?.generation === generation && last.number > row.number) this.#remove(row);
    this.#last.set(textOf(key), row);
  }

  /** Whether the device was forgotten in between, so that its connections are numbered from 0 again. */
  #isNewGeneration({ previousState, connection }: Change, last: NewRow): boolean {
    if (previousState !== null) return false;
    // A rebuild that was interrupted may have written it already.
    if (!this.isRebuild) return true;
    const { correction, startMs = 0 } = connection ?? {};
    const starts = [startMs, ...(correction?.connections ?? []).map((one) => one.startMs)];
    return Math.min(...starts) > (last.ended_at_ms ?? last.started_at_ms);
  }

  /** Nothing is known about its end: its record was lost. */
  #end(row: NewRow, endedAtMs: number): void {
    const end = { ended_at_ms: Math.max(endedAtMs, row.started_at_ms), lost_at_ms: null, cause: 'expired' as const };
    this.#correct({ ...row, ...end });
  }

  #correct(row: NewRow): void {
    const newer = this.current.get(rowKey(row));
    if (newer) this.#put(this.current, { ...row, tag: newer.tag });
    else this.#put(this.past, row);
  }

  #put(rows: Map<string, NewRow>, row: NewRow): void {
    rows.set(rowKey(row), row);
    if (row.ended_at_ms !== null) this.longestMs = Math.max(this.longestMs, row.ended_at_ms - row.started_at_ms);
  }

  #remove(last: NewRow): void {
    this.removed.push(last);
    for (const rows of [this.current, this.past]) {
      for (const [key, row] of rows) {
        const isSame = textOf(row) === textOf(last) && row.generation === last.generation;
        if (isSame && row.number > last.number) rows.delete(key);
      }
    }
  }
}

function currentRow(
  common: Omit<NewRow, keyof ReturnType<typeof stateColumns> | 'number' | 'interruptions'>,
  { number, connectedAtMs, startMs, interruptions }: DeviceConnection,
  change: Change,
): NewRow {
  return { ...common, number, interruptions, ...stateColumns(change, connectedAtMs, startMs) };
}

function stateColumns({ state, sinceMs, cause }: Change, connectedAtMs: number | null, startMs: number) {
  return {
    connected_at_ms: connectedAtMs,
    started_at_ms: startMs,
    lost_at_ms: state === 'reconnecting' ? sinceMs : null,
    ended_at_ms: state === 'gone' ? sinceMs : null,
    cause: cause ?? null,
  };
}

function pastRow(
  common: Omit<NewRow, keyof ReturnType<typeof stateColumns> | 'number' | 'interruptions'>,
  number: number,
  { connectedAtMs, startMs, endedAtMs, cause, interruptions }: PastConnection,
): NewRow {
  const ended = { lost_at_ms: null, ended_at_ms: endedAtMs, cause };
  return { ...common, number, interruptions, connected_at_ms: connectedAtMs, started_at_ms: startMs, ...ended };
}

/** An earlier version announced the change, without the connection: what is known of it stays. */
function connectionOfRow({ sinceMs }: Change, last: NewRow | undefined): DeviceConnection {
  const { number = 0, connected_at_ms: connectedAtMs = null, started_at_ms: startMs = sinceMs } = last ?? {};
  return { number, connectedAtMs, startMs, interruptions: last?.interruptions ?? 0 };
}

async function lastRows(db: Kysely<Tables>, keys: readonly Key[]): Promise<NewRow[]> {
  const rows: NewRow[] = [];
  for (const some of chunks(keys)) {
    const values = some.map((key) => sql`(${key.participant_id}, ${key.device_id}, ${key.source}, ${key.scope})`);
    const last = sql<number>`(
      SELECT (
        SELECT c.id FROM connections c
        WHERE c.participant_id = k.column1 AND c.device_id = k.column2 AND c.source = k.column3 AND c.scope = k.column4
        ORDER BY c.generation DESC, c.number DESC LIMIT 1
      ) FROM (VALUES ${sql.join(values)}) k
    )`;
    rows.push(...(await db.selectFrom('connections').selectAll().where('id', 'in', last).execute()));
  }
  return rows;
}

async function write(db: Kysely<Tables>, { past, current, removed }: Batch): Promise<void> {
  for (const { participant_id, device_id, source, scope, generation, number } of removed) {
    await db
      .deleteFrom('connections')
      .where('participant_id', '=', participant_id)
      .where('device_id', '=', device_id)
      .where('source', '=', source)
      .where('scope', '=', scope)
      .where('generation', '=', generation)
      .where('number', '>', number)
      .execute();
  }
  // An earlier connection keeps its tag.
  for (const rows of chunks([...past.values()])) await upsert(db, rows, false);
  for (const rows of chunks([...current.values()])) await upsert(db, rows, true);
}

async function upsert(db: Kysely<Tables>, rows: readonly NewRow[], hasTag: boolean): Promise<void> {
  await db
    .insertInto('connections')
    .values(rows.map(valuesOf))
    .onConflict((conflict) =>
      conflict.columns([...KEY_COLUMNS]).doUpdateSet((eb) => ({
        ...(hasTag && { tag: eb.ref('excluded.tag') }),
        connected_at_ms: eb.ref('excluded.connected_at_ms'),
        started_at_ms: eb.ref('excluded.started_at_ms'),
        lost_at_ms: eb.ref('excluded.lost_at_ms'),
        ended_at_ms: eb.ref('excluded.ended_at_ms'),
        cause: eb.ref('excluded.cause'),
        interruptions: eb.ref('excluded.interruptions'),
        version: eb.ref('excluded.version'),
      })),
    )
    .execute();
}

/** Without the id, which a row that was read has. */
function valuesOf(row: NewRow & { id?: number }): NewRow {
  const { id: _own, ...values } = row;
  return values;
}

/** Whether the tag of the participant may have changed while it was connected. */
function mayRetag({ deviceId, type, previousTag, previousState }: Change): boolean {
  if (deviceId !== undefined) return false;
  return previousTag !== undefined || type === 'participant.updated' || previousState === 'reconnecting';
}

async function retag(db: Kysely<Tables>, { subject, tag: newTag, version }: Change): Promise<void> {
  const tag = newTag ?? null;
  await db
    .updateTable('connections')
    .set({ tag })
    .where('participant_id', '=', subject.participantId)
    .where('source', '=', subject.source)
    .where('scope', '=', subject.scope)
    .where('ended_at_ms', 'is', null)
    .where('version', '<=', version)
    .where(sql<boolean>`tag IS DISTINCT FROM ${tag}`)
    .execute();
}

function keyOf({ subject, deviceId = '' as never }: Change): Key {
  const { source, scope, participantId } = subject;
  return { source, scope, participant_id: participantId, device_id: deviceId };
}

/** No part contains a control character: see identifier.ts. */
function textOf({ source, scope, participant_id, device_id }: Key): string {
  return [participant_id, device_id, source, scope].join('\u001f');
}

function rowKey(row: NewRow): string {
  return `${textOf(row)}\u001f${row.generation}\u001f${row.number}`;
}

function chunks<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / MAX_ROWS) }, (_, n) =>
    items.slice(n * MAX_ROWS, (n + 1) * MAX_ROWS),
  );
}
