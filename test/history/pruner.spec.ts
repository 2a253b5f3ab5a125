// What ended before the retention is deleted, a few rows at a time.
import { describe, expect, it } from '@jest/globals';
import { Pruner } from '../../src/history/pruner.js';
import { ManualClock } from '../manual-clock.js';
import { openStore, PLACES } from './databases.js';

const NOW_MS = 1_790_000_000_000;
const RETENTION_MS = 3_600_000;
const OLDEST_MS = NOW_MS - RETENTION_MS;

describe.each(PLACES)('retention of history in %s', (_, newPlace) => {
  it('keeps connections that are open or ended within it', async () => {
    const store = await openStore(await newPlace());
    const row = (participant_id: string, number: number, started_at_ms: number, ended_at_ms: number | null) => {
      const key = { participant_id, device_id: 'd1', source: 'bandwidth', scope: '', generation: 1, number };
      const times = { connected_at_ms: started_at_ms, started_at_ms, lost_at_ms: null, ended_at_ms };
      return { ...key, ...times, tag: null, cause: null, interruptions: 0, version: 1 };
    };
    const old = Array.from({ length: 1_200 }, (_, n) => row('old', n, OLDEST_MS - 10_000 - n, OLDEST_MS - 1));
    const kept = [row('open', 0, OLDEST_MS - 90_000, null), row('ended', 0, OLDEST_MS - 90_000, OLDEST_MS)];
    await store.inTransaction(async (db) => {
      for (const one of [...old, ...kept]) await db.insertInto('connections').values(one).execute();
      await db
        .insertInto('gaps')
        .values({ from_ms: OLDEST_MS - 10, to_ms: OLDEST_MS - 1 })
        .execute();
      await db
        .insertInto('gaps')
        .values({ from_ms: OLDEST_MS - 10, to_ms: OLDEST_MS })
        .execute();
      await db
        .updateTable('projector')
        .set({ position: 'p', kept_from_ms: OLDEST_MS - 100_000 })
        .execute();
    });
    const clock = new ManualClock(NOW_MS);
    const pruner = new Pruner(store, RETENTION_MS, clock);
    expect([await pruner.run(), await pruner.run(), await pruner.run(), await pruner.run()]).toEqual([
      500, 500, 200, 0,
    ]);
    const left = await store.use(async ({ db }) => ({
      connections: await db.selectFrom('connections').select('participant_id').orderBy('participant_id').execute(),
      gaps: await db.selectFrom('gaps').select('to_ms').execute(),
      projector: await db.selectFrom('projector').select('kept_from_ms').execute(),
    }));
    expect(left).toEqual({
      connections: [{ participant_id: 'ended' }, { participant_id: 'open' }],
      gaps: [{ to_ms: OLDEST_MS }],
      projector: [{ kept_from_ms: OLDEST_MS }],
    });
    clock.advance(60_001);
    expect(await pruner.run()).toBe(1);
  });
});
