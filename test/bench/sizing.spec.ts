// The arithmetic of npm run bench -- capacity, with figures that can be checked in the head.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { limits, MAX_SHARDS, shardsFor, sizing, TARGETS } from '../../bench/capacity/sizing.mjs';

const GIB = 2 ** 30;
const INPUTS = {
  bytes: { connected: GIB / 1_000, gone: GIB / 2_000, overhead: 2 },
  callback: { serviceUs: 100, redisUs: 50, redisIn: 1_000, redisOut: 200, file: 500 },
  read: { serviceUs: 10, redisUs: 5, redisIn: 10, redisOut: 20 },
  deadline: { serviceUs: 20, redisUs: 10 },
  http: { callback: 300, read: 400 },
  followUs: 200,
};
const LOAD = {
  ...TARGETS,
  participants: 16_000,
  callbacks: 100_000,
  reads: 100_000,
  'callbacks-per-stay': 4,
  'deadline-percent': 50,
  'retention-hours': 1,
};

describe('the sizing', () => {
  it('adds up the processor time of callbacks, reads and deadlines, and leaves half of each core free', () => {
    expect(sizing(INPUTS, LOAD)).toMatchObject({
      deadlines: 50_000,
      serviceCores: 10 + 1 + 1,
      processes: 24,
      redisCores: 5 + 0.5 + 0.5,
      returning: { byCpu: 12, gib: 32, byMemory: 1, primaries: 12, shards: 24 },
    });
  });

  it('counts participants that are gone as long as they are kept, if each stay has a new id', () => {
    const { stays, renewed } = sizing(INPUTS, { ...LOAD, callbacks: 4, 'retention-hours': 10 });
    expect(stays).toBe(1);
    expect(renewed).toMatchObject({ kept: 16_000 + 36_000, gib: 32 + 36, byMemory: 3, primaries: 3, shards: 18 });
  });

  it('adds up the traffic', () => {
    expect(sizing(INPUTS, { ...LOAD, callbacks: 10, reads: 1 }).network).toEqual({
      redisIn: 10_010,
      redisOut: 2_020,
      replication: 5_000,
      http: 3_400,
    });
  });

  it('names the lowest limit first', () => {
    expect(limits(INPUTS, LOAD).map(({ callbacks }) => callbacks)).toEqual([2_500, 10_000, 640_000]);
  });
});

it('each primary has the same number of shards, at least 16 of them in total, or there are too few', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 200 }), (primaries) => {
      const shards = shardsFor(primaries);
      if (primaries > MAX_SHARDS) return expect(shards).toBeUndefined();
      expect(Number(shards) % primaries).toBe(0);
      expect(shards).toBeGreaterThanOrEqual(16);
      expect(shards).toBeLessThanOrEqual(MAX_SHARDS);
    }),
  );
});
