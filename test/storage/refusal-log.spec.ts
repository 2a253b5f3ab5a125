import { Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { RefusalLog } from '../../src/storage/refusal-log.js';
import { ManualClock } from '../manual-clock.js';

const FULL = { code: 'OOM', advice: 'its memory is full', reason: 'OOM command not allowed' };

describe('refusals', () => {
  let clock: ManualClock;
  let logged: Record<string, unknown>[];
  let refusals: RefusalLog;
  beforeEach(() => {
    clock = new ManualClock(0);
    logged = [];
    const write = (line: string, _: unknown, done: () => void) => {
      logged.push(JSON.parse(line));
      done();
    };
    const log = pino(new Writable({ decodeStrings: false, write }));
    refusals = new RefusalLog(log, 'Redis', clock);
  });
  const lines = () => logged.map(({ msg }) => msg);

  it('are a line when they begin and a line when they have ended, with how many and for how long', () => {
    for (let second = 0; second <= 60; second += 1) {
      refusals.refused('store callbacks', FULL, 2);
      clock.advance(1_000);
    }
    refusals.accepted('store callbacks');
    clock.advance(5_000);
    expect(lines()).toEqual([
      'Redis refuses to store callbacks: OOM, its memory is full',
      'Redis no longer refuses to store callbacks',
    ]);
    expect(logged[0]).toMatchObject({ reason: FULL.reason });
    expect(logged[1]).toMatchObject({ refused: 122, durationMs: 60_000 });
  });

  it('of some callbacks among others that are stored are not a line each', () => {
    for (let n = 0; n < 100; n += 1) {
      refusals.refused('store callbacks', FULL);
      refusals.accepted('store callbacks');
      clock.advance(1_000);
    }
    expect(lines()).toHaveLength(1);
  });

  it('have not ended while nothing was accepted, however long ago they were', () => {
    refusals.refused('store callbacks', FULL);
    refusals.accepted('read tags');
    clock.advance(3_600_000);
    expect(lines()).toHaveLength(1);
  });
});
