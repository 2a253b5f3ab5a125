import { beforeEach, describe, expect, it } from '@jest/globals';
import { Shutdown } from '../../src/runtime/shutdown.js';
import { ManualClock } from '../manual-clock.js';

const DELAY_MS = 5_000;

describe('a shutdown', () => {
  let clock: ManualClock;
  let steps: string[];
  const make = (delayMs = DELAY_MS) =>
    new Shutdown(delayMs, clock, {
      begin: (reason) => void steps.push(`begin ${reason}`),
      drain: () => void steps.push('drain'),
      close: () => void steps.push('close'),
    });
  beforeEach(() => {
    clock = new ManualClock(0);
    steps = [];
  });

  it('on SIGTERM drains for the delay, then closes', () => {
    make().request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain']);
    clock.advance(DELAY_MS - 1);
    expect(steps).toEqual(['begin SIGTERM', 'drain']);
    clock.advance(1);
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });

  it.each(['SIGINT', 'disconnect'] as const)('on %s closes at once', (reason) => {
    make().request(reason);
    expect(steps).toEqual([`begin ${reason}`, 'close']);
  });

  it('without a delay closes at once', () => {
    make(0).request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'close']);
  });

  it('takes a SIGTERM that is passed on at once for the same, and ends the delay for a later one', () => {
    const shutdown = make();
    shutdown.request('SIGTERM');
    clock.advance(500);
    shutdown.request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain']);
    clock.advance(500);
    shutdown.request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });

  it.each(['SIGINT', 'disconnect'] as const)('ends the delay at once on %s', (reason) => {
    const shutdown = make();
    shutdown.request('SIGTERM');
    shutdown.request(reason);
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });

  it('closes once, however often it is asked to', () => {
    const shutdown = make();
    for (const reason of ['SIGTERM', 'SIGINT', 'SIGINT', 'SIGTERM', 'disconnect'] as const) shutdown.request(reason);
    clock.advance(DELAY_MS * 2);
    shutdown.request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });
});
