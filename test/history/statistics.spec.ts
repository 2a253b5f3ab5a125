// Statistics are those of a model that looks at every moment, also after connections were corrected of which results had been kept.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Selectable, sql } from 'kysely';
import type { GoneCause } from '../../src/domain/connection.js';
import type { SourceName } from '../../src/domain/subject.js';
import { StatisticsController } from '../../src/history/api/statistics.controller.js';
import type { HistoryStore } from '../../src/history/history-store.js';
import { Pruner } from '../../src/history/pruner.js';
import { revisionsBefore } from '../../src/history/revisions.js';
import { Statistics } from '../../src/history/statistics.js';
import type { StatisticsFilter } from '../../src/history/statistics-sweep.js';
import type { ConnectionRow } from '../../src/history/tables.js';
import type { ProblemError } from '../../src/http/problem.js';
import { SourceNames } from '../../src/http/source-names.js';
import { rfc3339 } from '../../src/runtime/rfc3339.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';
import { type ModelConnection, statisticsOf } from '../model/statistics-model.js';
import { openStore, PLACES } from './databases.js';

type Row = Omit<ConnectionRow, 'id'>;

const STEP = 20_000;
const START = Date.parse('2026-11-23T09:30:00.000Z') + 7;
const KEPT_FROM = START + 5 * STEP;
const CLOCK = new ManualClock(START + 200 * STEP);

const lasting = fc.record({
  start: fc.nat(40),
  steps: fc.constantFrom(null, 0, 0, 1, 2, 3, 7, 12, 30),
  cause: fc.constantFrom<GoneCause[]>('left', 'lost', 'expired', 'superseded'),
});

function timesOf({ start, steps, cause }: { start: number; steps: number | null; cause: GoneCause }) {
  const startMs = START + start * STEP;
  return {
    connected_at_ms: startMs,
    started_at_ms: startMs,
    ended_at_ms: steps === null ? null : startMs + steps * STEP,
    cause: steps === null ? null : cause,
  };
}

const newRow = fc
  .record({
    participant_id: fc.constantFrom('p1', 'p1', 'p2'),
    device_id: fc.constantFrom('d1', 'd2'),
    source: fc.constantFrom('bandwidth', 'bandwidth', 'bandwidth', 'livekit'),
    scope: fc.constantFrom('', '', '', 'r1'),
    tag: fc.constantFrom(null, 'red', 'red', 'blue'),
    times: lasting,
  })
  .map(({ times, ...row }) => ({ ...row, ...timesOf(times), lost_at_ms: null, interruptions: 0, version: 1 }));

/** What is done to connections. `at` chooses one of them. */
const corrections = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), rows: fc.array(newRow, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant('upsert' as const), at: fc.nat(), times: lasting }),
  fc.record({ kind: fc.constant('end' as const), at: fc.nat(), times: lasting }),
  fc.record({
    kind: fc.constant('tag' as const),
    participant: fc.constantFrom('p1', 'p2'),
    tag: fc.constantFrom(null, 'red', 'blue'),
  }),
  fc.record({ kind: fc.constant('delete' as const), at: fc.nat() }),
);
type Correction = typeof corrections extends fc.Arbitrary<infer T> ? T : never;

const optional = <T>(...values: T[]) => fc.constantFrom(undefined, undefined, ...values);
const queries = fc.record({
  filter: fc.record({ tag: optional('red'), source: optional('bandwidth'), scope: optional('') }),
  from: fc
    .tuple(fc.integer({ min: -2, max: 40 }), fc.constantFrom(0, 0, 1))
    .map(([step, ms]) => START + step * STEP + ms),
  lengthMs: fc.constantFrom(STEP, 60_000, 300_000),
  count: fc.integer({ min: 1, max: 5 }),
});

async function empty(store: HistoryStore): Promise<void> {
  await store.inTransaction(async (db) => {
    await db.deleteFrom('connections').execute();
    await db.deleteFrom('gaps').execute();
    const known = {
      position: '9f3ac21b77d0.1',
      kept_from_ms: KEPT_FROM,
      read_until_ms: CLOCK.now(),
      longest_ms: 40 * STEP,
    };
    await db.updateTable('projector').set(known).execute();
  });
}

let rowsSoFar = 0;

async function insert(store: HistoryStore, rows: readonly Omit<Row, 'generation' | 'number'>[]): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map((row, n) => ({ ...row, generation: rowsSoFar + n, number: 0 }));
  rowsSoFar += rows.length;
  await store.use(({ db }) => db.insertInto('connections').values(values).execute());
}

/** As the projector does at the beginning of its next transaction. */
async function note(store: HistoryStore): Promise<void> {
  await store.use(({ db }) => db.updateTable('projector').set({ position: '9f3ac21b77d0.2' }).execute());
}

async function correct(store: HistoryStore, correction: Correction): Promise<void> {
  if (correction.kind === 'insert') return insert(store, correction.rows);
  const rows = await rowsIn(store);
  await store.use(async ({ db }) => {
    if (correction.kind === 'tag') {
      const { participant, tag } = correction;
      await db.updateTable('connections').set({ tag }).where('participant_id', '=', participant).execute();
      return;
    }
    const row = rows[correction.at % rows.length];
    if (!row) return;
    // Deleting one that ended before history begins is retention: results that are kept may go on counting it.
    const isForgotten = row.ended_at_ms !== null && row.ended_at_ms < KEPT_FROM;
    if (correction.kind === 'delete' && !isForgotten) {
      await db.deleteFrom('connections').where('id', '=', row.id).execute();
    }
    if (correction.kind === 'end') {
      const { cause, steps } = correction.times;
      const end =
        steps === null ? { ended_at_ms: null, cause: null } : { ended_at_ms: row.started_at_ms + steps * STEP, cause };
      await db.updateTable('connections').set(end).where('id', '=', row.id).execute();
    }
    if (correction.kind === 'upsert') {
      const { id: _, ...old } = row;
      const times = timesOf(correction.times);
      await db
        .insertInto('connections')
        .values({ ...old, ...times })
        .onConflict((conflict) =>
          conflict
            .columns(['participant_id', 'device_id', 'source', 'scope', 'generation', 'number'])
            .doUpdateSet(times),
        )
        .execute();
    }
  });
}

/** In the order in which they began. */
function rowsIn(store: HistoryStore): Promise<Selectable<ConnectionRow>[]> {
  return store.use(({ db }) =>
    db.selectFrom('connections').selectAll().orderBy('started_at_ms').orderBy('id').execute(),
  );
}

function modelled(rows: readonly Selectable<ConnectionRow>[], filter: StatisticsFilter): ModelConnection[] {
  const isMatch = (row: Selectable<ConnectionRow>) =>
    (['tag', 'source', 'scope'] as const).every((name) => filter[name] === undefined || filter[name] === row[name]);
  return rows.filter(isMatch).map((row, order) => ({
    participant: JSON.stringify([row.participant_id, row.source, row.scope]),
    startMs: row.started_at_ms,
    endMs: row.ended_at_ms ?? Number.POSITIVE_INFINITY,
    cause: row.cause,
    order,
  }));
}

function boundsOf(fromMs: number, lengthMs: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, n) => fromMs + n * lengthMs);
}

async function expectExact(
  statistics: Statistics,
  rows: readonly Selectable<ConnectionRow>[],
  { filter, from, lengthMs, count }: typeof queries extends fc.Arbitrary<infer T> ? T : never,
): Promise<void> {
  const boundsMs = boundsOf(from, lengthMs, count);
  const toMs = boundsMs.at(-1) as number;
  const connections = modelled(rows, filter);
  expect(await statistics.intervals(filter, boundsMs)).toEqual(
    boundsMs.slice(1).map((endMs) => ({
      value: statisticsOf(connections, endMs - lengthMs, endMs),
      isComplete: endMs - lengthMs >= KEPT_FROM,
    })),
  );
  const { tag: _, ...untagged } = filter;
  const tags = ['blue', 'red'].flatMap((tag) => {
    const ofTag = modelled(rows, { ...untagged, tag });
    const isIn = ofTag.some(({ startMs, endMs }) => startMs < toMs && endMs >= from);
    return isIn ? [{ tag, ...statisticsOf(ofTag, from, toMs) }] : [];
  });
  expect(await statistics.tags(untagged, from, toMs)).toEqual({
    value: tags.toSorted((a, b) => b.peakParticipants - a.peakParticipants || b.peakDevices - a.peakDevices),
    isComplete: from >= KEPT_FROM,
  });
}

const OF_ALL = {};
const row = (start: number, steps: number | null, participant = 'p1') => ({
  participant_id: participant,
  device_id: 'd1',
  source: 'bandwidth',
  scope: '',
  tag: 'red',
  lost_at_ms: null,
  interruptions: 0,
  version: 1,
  ...timesOf({ start, steps, cause: 'left' }),
});

describe.each(PLACES)('statistics in %s', (_, newPlace) => {
  it('are exact, also after corrections', async () => {
    const store = await openStore(await newPlace());
    const asked = fc.array(queries, { minLength: 1, maxLength: 2 });
    const turns = fc.array(fc.tuple(corrections, fc.boolean(), asked), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(newRow, { maxLength: 12 }), asked, turns, async (rows, first, more) => {
        await empty(store);
        await insert(store, rows);
        await note(store);
        const statistics = new Statistics(store, CLOCK);
        const asAsked = [...first];
        for (const query of first) await expectExact(statistics, await rowsIn(store), query);
        for (const [correction, isNoted, added] of more) {
          await correct(store, correction);
          if (isNoted) await note(store);
          asAsked.push(...added);
          // Also what was asked before the correction.
          for (const query of asAsked) await expectExact(statistics, await rowsIn(store), query);
        }
      }),
      { numRuns: lengthOf(25, 1_000), endOnFailure: true },
    );
  }, 600_000);

  it('count a stay from its first connection, although that had ended before the range', async () => {
    const store = await openStore(await newPlace());
    await empty(store);
    // The last one ended just before the range.
    await insert(store, [row(5, 3), row(7, 3), row(10, 8), row(10, 1, 'p2'), row(14, 0, 'p3')]);
    const lengthMs = 13 * STEP;
    const results = await new Statistics(store, CLOCK).intervals(OF_ALL, boundsOf(START + 14 * STEP + 1, 6 * STEP, 1));
    const stay = { totalMs: lengthMs, meanMs: lengthMs, medianMs: lengthMs, p95Ms: lengthMs };
    expect(results).toMatchObject([{ value: { arrivals: 0, departures: { left: 1 }, stay } }]);
  });

  it('are kept as long as nothing changes before their end', async () => {
    const store = await openStore(await newPlace());
    await empty(store);
    await insert(store, [row(10, 3), row(12, 3, 'p2'), row(30, 3)]);
    await note(store);
    const statistics = new Statistics(store, CLOCK);
    const boundsMs = boundsOf(START + 9 * STEP, 9 * STEP, 3);
    const before = await statistics.intervals(OF_ALL, boundsMs);
    const tagsBefore = await statistics.tags(OF_ALL, START + 9 * STEP, START + 18 * STEP);
    // Nobody notes it, so what is kept seems to be right.
    await store.use(async ({ db, dialect }) => {
      const off =
        dialect === 'sqlite' ? 'DROP TRIGGER connections_after_delete' : 'ALTER TABLE connections DISABLE TRIGGER USER';
      await sql.raw(off).execute(db);
      await db.deleteFrom('connections').where('participant_id', '=', 'p2').execute();
    });
    expect(await statistics.intervals(OF_ALL, boundsMs)).toEqual(before);
    expect(await statistics.tags(OF_ALL, START + 9 * STEP, START + 18 * STEP)).toEqual(tagsBefore);
    expect(await new Statistics(store, CLOCK).intervals(OF_ALL, boundsMs)).not.toEqual(before);
  });

  it('of a stay whose beginning is deleted because of the retention are those from before as long as they are kept', async () => {
    const store = await openStore(await newPlace());
    await empty(store);
    await insert(store, [row(1, 3), row(4, 3)]);
    await note(store);
    const statistics = new Statistics(store, CLOCK);
    const boundsMs = boundsOf(START + 6 * STEP, 3 * STEP, 1);
    const before = await statistics.intervals(OF_ALL, boundsMs);
    expect(before).toMatchObject([{ value: { stay: { totalMs: 6 * STEP } } }]);
    await store.use(({ db }) => db.deleteFrom('connections').where('ended_at_ms', '<', KEPT_FROM).execute());
    await note(store);
    expect(await statistics.intervals(OF_ALL, boundsMs)).toEqual(before);
    const computed = await new Statistics(store, CLOCK).intervals(OF_ALL, boundsMs);
    expect(computed).toMatchObject([{ value: { stay: { totalMs: 3 * STEP } } }]);
  });

  it('say which intervals have a gap', async () => {
    const store = await openStore(await newPlace());
    await empty(store);
    const gap = { from_ms: KEPT_FROM + 2 * STEP, to_ms: KEPT_FROM + 3 * STEP };
    await store.use(({ db }) => db.insertInto('gaps').values(gap).execute());
    const statistics = new Statistics(store, CLOCK);
    const areComplete = async (fromMs: number, count: number) => {
      const results = await statistics.intervals(OF_ALL, boundsOf(fromMs, STEP, count));
      return results === 'too-many-rows' ? results : results.map(({ isComplete }) => isComplete);
    };
    expect(await areComplete(KEPT_FROM - STEP, 6)).toEqual([false, true, true, false, true, true]);
    await store.use(({ db }) => db.updateTable('projector').set({ position: null }).execute());
    expect(await areComplete(KEPT_FROM, 1)).toEqual([false]);
  });

  it('are refused if there are too many connections', async () => {
    const store = await openStore(await newPlace());
    await empty(store);
    await insert(store, [row(10, 3), row(20, 3), row(30, 3)]);
    const statistics = new Statistics(store, CLOCK, 2);
    expect(await statistics.intervals(OF_ALL, boundsOf(START, 40 * STEP, 1))).toBe('too-many-rows');
    expect(await statistics.tags(OF_ALL, START, START + 40 * STEP)).toBe('too-many-rows');
    expect(await statistics.intervals(OF_ALL, boundsOf(START, 25 * STEP, 1))).toHaveLength(1);
    const controller = new StatisticsController(statistics, new SourceNames(['bandwidth' as SourceName]), CLOCK);
    const range = { from: rfc3339(START), to: rfc3339(START + 40 * STEP) };
    const refused = async (answer: Promise<unknown>) =>
      ((await answer.catch((error) => error)) as ProblemError).members;
    expect(await refused(controller.overTime({ ...range, interval: 'PT1H' }))).toMatchObject({
      errors: [
        { pointer: '#/to', message: expect.stringContaining('or select fewer connections by tag, source or scope') },
      ],
    });
    expect(await refused(controller.byTag({ ...range, limit: 10 }))).toMatchObject({
      errors: [{ pointer: '#/to', message: expect.stringContaining('or select fewer connections by source or scope') }],
    });
  });

  it('are not computed again because old connections are deleted', async () => {
    const store = await openStore(await newPlace());
    await empty(store);
    await store.use(({ db }) => db.updateTable('projector').set({ kept_from_ms: 0 }).execute());
    await insert(store, [row(0, 1), row(5, 1), row(30, null)]);
    await note(store);
    const times = [START + 20 * STEP, START + 40 * STEP];
    const before = await store.use(({ db, sql }) => revisionsBefore(db, sql, times));
    const pruner = new Pruner(store, 60 * STEP, new ManualClock(START + 70 * STEP));
    await pruner.run();
    await note(store);
    expect(await rowsIn(store)).toHaveLength(1);
    expect(await store.use(({ db, sql }) => revisionsBefore(db, sql, times))).toEqual(before);
    const revisions = await store.use(({ db }) => db.selectFrom('revisions').selectAll().execute());
    expect(revisions.filter(({ from_ms }) => from_ms < START + 10 * STEP)).toHaveLength(1);
    await insert(store, [row(15, 1)]);
    await note(store);
    const after = await store.use(({ db, sql }) => revisionsBefore(db, sql, times));
    expect(after.map((revision, n) => revision > (before[n] as number))).toEqual([true, true]);
  });
});
