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

  it('drains for the delay on SIGTERM and then closes', () => {
    make().request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain']);
    clock.advance(DELAY_MS - 1);
    expect(steps).toEqual(['begin SIGTERM', 'drain']);
    clock.advance(1);
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });

  it.each(['SIGINT', 'disconnect'] as const)('closes immediately on %s', (reason) => {
    make().request(reason);
    expect(steps).toEqual([`begin ${reason}`, 'close']);
  });

  it('closes immediately without a delay', () => {
    make(0).request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'close']);
  });

  it('ignores a SIGTERM forwarded right after the first one, and ends the delay on a later one', () => {
    const shutdown = make();
    shutdown.request('SIGTERM');
    clock.advance(500);
    shutdown.request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain']);
    clock.advance(500);
    shutdown.request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });

  it.each(['SIGINT', 'disconnect'] as const)('ends the delay immediately on %s', (reason) => {
    const shutdown = make();
    shutdown.request('SIGTERM');
    shutdown.request(reason);
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });

  it('closes once, however often it is requested', () => {
    const shutdown = make();
    for (const reason of ['SIGTERM', 'SIGINT', 'SIGINT', 'SIGTERM', 'disconnect'] as const) shutdown.request(reason);
    clock.advance(DELAY_MS * 2);
    shutdown.request('SIGTERM');
    expect(steps).toEqual(['begin SIGTERM', 'drain', 'close']);
  });
});
