import { Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { RefusalLog } from '../../src/storage/refusal-log.js';
import { ManualClock } from '../manual-clock.js';

const FULL = { code: 'OOM', advice: 'its memory is full', reason: 'OOM command not allowed' };

describe('RefusalLog', () => {
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

  it('logs one line when refusals start, and one when they end, with their number and duration', () => {
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

  it('does not log each refusal when only some callbacks are refused', () => {
    for (let n = 0; n < 100; n += 1) {
      refusals.refused('store callbacks', FULL);
      refusals.accepted('store callbacks');
      clock.advance(1_000);
    }
    expect(lines()).toHaveLength(1);
  });

  it('does not log an end until the same operation is accepted again', () => {
    refusals.refused('store callbacks', FULL);
    refusals.accepted('read tags');
    clock.advance(3_600_000);
    expect(lines()).toHaveLength(1);
  });

  it('logs a cause that concerns all operations once, and its end once', () => {
    const moved = { code: 'MOVED', advice: 'it is a Redis Cluster', reason: 'MOVED 1', isGeneral: true };
    const operations = ['store callbacks', 'read deadlines', 'trim the change feed'];
    for (const operation of [...operations, ...operations]) refusals.refused(operation, moved);
    refusals.refused('read tags', FULL);
    expect(lines()).toEqual([
      'Redis refuses to store callbacks: MOVED, it is a Redis Cluster',
      'Redis refuses to read tags: OOM, its memory is full',
    ]);
    for (const operation of operations) refusals.accepted(operation);
    clock.advance(5_000);
    expect(lines().slice(2)).toEqual(['Redis no longer refuses to store callbacks']);
  });
});
