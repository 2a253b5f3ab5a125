import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rfc3339 } from '../../src/platform/rfc3339.js';

const GREATEST_MS = 8.64e15;

it('is what Date makes of the same time, one after another', () => {
  const times = fc.oneof(
    fc.integer({ min: -GREATEST_MS, max: GREATEST_MS }),
    fc.integer({ min: 1.79e12, max: 1.791e12 }),
  );
  fc.assert(
    fc.property(fc.array(times, { minLength: 1 }), (some) => {
      expect(some.map(rfc3339)).toEqual(some.map((timeMs) => new Date(timeMs).toISOString()));
    }),
    { numRuns: 1_000 },
  );
});
