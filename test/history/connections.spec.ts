// Pages of connections are the same as those of a list that is filtered, sorted and cut in memory.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type ConnectionCursor,
  type ConnectionFilter,
  Connections,
  type Order,
} from '../../src/history/connections.js';
import type { HistoryStore } from '../../src/history/history-store.js';
import type { ConnectionRow } from '../../src/history/tables.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';
import { openStore, PLACES } from './databases.js';

type Row = Omit<ConnectionRow, 'id'>;

const MINUTE = 60_000;
const KEPT_FROM = 10 * MINUTE;
const READ_UNTIL = 100 * MINUTE;

const rows = fc.array(
  fc
    .record({
      participant_id: fc.constantFrom('p1', 'p2', 'p3'),
      device_id: fc.constantFrom('d1', 'd2'),
      source: fc.constantFrom('bandwidth', 'livekit'),
      scope: fc.constantFrom('', 'r1'),
      tag: fc.constantFrom(null, 'red', 'blue'),
      start: fc.nat(60),
      minutes: fc.constantFrom(null, 0, 1, 3, 40),
      cause: fc.constantFrom<NonNullable<Row['cause']>[]>('left', 'lost', 'expired'),
    })
    .map(({ start, minutes, cause, ...row }) => ({
      ...row,
      connected_at_ms: start * MINUTE,
      started_at_ms: start * MINUTE,
      lost_at_ms: null,
      ended_at_ms: minutes === null ? null : (start + minutes) * MINUTE,
      cause: minutes === null ? null : cause,
      interruptions: 0,
      version: 1,
    })),
  { maxLength: 30 },
);

const optional = <T>(...values: T[]) => fc.constantFrom(undefined, undefined, ...values);
const filters = fc.record({
  participantId: optional('p1', 'p2'),
  deviceId: optional('d1'),
  tag: optional('red'),
  source: optional('livekit'),
  scope: optional('r1'),
  cause: optional<'left' | 'lost'>('left', 'lost'),
  isOpen: optional(true, false),
  fromMs: fc.option(fc.nat(110), { nil: undefined }).map((minute) => minute && minute * MINUTE),
  toMs: fc.option(fc.nat(110), { nil: undefined }).map((minute) => minute && minute * MINUTE),
});

async function fill(store: HistoryStore, all: readonly Row[]): Promise<void> {
  await store.inTransaction(async (db) => {
    await db.deleteFrom('connections').execute();
    for (const row of all) await db.insertInto('connections').values(row).execute();
    const lengths = all.map(({ started_at_ms, ended_at_ms }) => (ended_at_ms ?? started_at_ms) - started_at_ms);
    const known = {
      position: '9f3ac21b77d0.1',
      kept_from_ms: KEPT_FROM,
      read_until_ms: READ_UNTIL,
      longest_ms: Math.max(0, ...lengths),
    };
    await db.updateTable('projector').set(known).execute();
  });
}

function isMatch(row: Row, filter: ConnectionFilter): boolean {
  const { participantId, deviceId, tag, source, scope, cause, isOpen, fromMs, toMs } = filter;
  const { started_at_ms: start, ended_at_ms: end } = row;
  const isSame = (wanted: unknown, value: unknown) => wanted === undefined || wanted === value;
  const ofWhom = [
    isSame(participantId, row.participant_id),
    isSame(deviceId, row.device_id),
    isSame(tag, row.tag),
    isSame(source, row.source),
    isSame(scope, row.scope),
    isSame(cause, row.cause),
    isSame(isOpen, end === null),
  ];
  const isBefore = toMs === undefined || start < toMs;
  const isAfter = fromMs === undefined || end === null || end > fromMs || start >= fromMs;
  return ofWhom.every(Boolean) && isBefore && isAfter;
}

const textOf = (row: Row): string =>
  JSON.stringify([
    row.participant_id,
    row.device_id,
    row.source,
    row.scope,
    row.started_at_ms,
    row.ended_at_ms,
    row.cause,
    row.tag,
  ]);

describe.each(PLACES)('connections in %s', (_, newPlace) => {
  it('are found by any filter, on pages of any size, in both orders', async () => {
    const store = await openStore(await newPlace());
    const clock = new ManualClock(READ_UNTIL);
    const connections = new Connections(store, clock);
    const orders = fc.constantFrom<Order[]>('newest', 'oldest');
    await fc.assert(
      fc.asyncProperty(rows, filters, fc.integer({ min: 1, max: 9 }), orders, async (drawn, filter, limit, order) => {
        const all = drawn.map((row, generation) => ({ ...row, generation, number: 0 }));
        await fill(store, all);
        const found: Row[] = [];
        for (let after: ConnectionCursor | null = null; ; ) {
          const page = await connections.page(filter, { after, limit, order });
          found.push(...page.rows);
          expect(page.rows.length <= limit && (page.next === null || page.rows.length === limit)).toBe(true);
          after = page.next;
          if (!after) break;
        }
        const starts = found.map(({ started_at_ms }) => started_at_ms);
        expect(starts).toEqual(starts.toSorted((a, b) => (order === 'newest' ? b - a : a - b)));
        expect(found.map(textOf).sort()).toEqual(
          all
            .filter((row) => isMatch(row, filter))
            .map(textOf)
            .sort(),
        );
      }),
      { numRuns: lengthOf(40, 1_000), endOnFailure: true },
    );
  });

  it('say whether some may be missing', async () => {
    const store = await openStore(await newPlace());
    const clock = new ManualClock(READ_UNTIL);
    const connections = new Connections(store, clock);
    const isComplete = async (fromMs?: number, toMs?: number) =>
      (await connections.page({ fromMs, toMs }, { after: null, limit: 1, order: 'newest' })).isComplete;
    expect(await isComplete()).toBe(false);
    await fill(store, []);
    await store.inTransaction((db) =>
      db
        .insertInto('gaps')
        .values({ from_ms: 20 * MINUTE, to_ms: 25 * MINUTE })
        .execute(),
    );
    expect(await isComplete(KEPT_FROM, 20 * MINUTE)).toBe(true);
    expect(await isComplete(KEPT_FROM - 1, 20 * MINUTE)).toBe(false);
    expect(await isComplete(KEPT_FROM, 20 * MINUTE + 1)).toBe(false);
    expect(await isComplete(25 * MINUTE)).toBe(true);
    expect(await isComplete()).toBe(false);
    clock.advance(MINUTE);
    expect(await isComplete(25 * MINUTE)).toBe(false);
    expect(await isComplete(25 * MINUTE, READ_UNTIL)).toBe(true);
  });
});
