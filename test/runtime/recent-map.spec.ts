import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RecentMap } from '../../src/runtime/recent-map.js';

const COUNT = 4;
const KEYS = Array.from({ length: 20 }, (_, n) => `k${n}`);

/** The keys in the order in which they were set last, newest first. */
function newestFirst(sets: readonly (readonly [string, number])[]): string[] {
  return [...new Set(sets.map(([key]) => key).toReversed())];
}

describe('a map of what was set recently', () => {
  const someSets = fc.array(fc.tuple(fc.constantFrom(...KEYS), fc.nat()), { maxLength: 100 });

  it('has the last keys that were set, each with its last value, and at most as many others', () => {
    fc.assert(
      fc.property(someSets, (sets) => {
        const map = new RecentMap<string, number>(COUNT);
        for (const [key, value] of sets) map.set(key, value);
        const last = new Map(sets);
        const kept = KEYS.filter((key) => map.get(key) !== undefined);
        for (const key of kept) expect(map.get(key)).toBe(last.get(key));
        expect(kept).toEqual(expect.arrayContaining(newestFirst(sets).slice(0, COUNT)));
        expect(kept.length).toBeLessThanOrEqual(2 * COUNT);
      }),
    );
  });

  it('does not have what was deleted, however long ago it was set', () => {
    fc.assert(
      fc.property(someSets, fc.constantFrom(...KEYS), (sets, key) => {
        const map = new RecentMap<string, number>(COUNT);
        for (const [one, value] of sets) map.set(one, value);
        map.delete(key);
        expect(map.get(key)).toBeUndefined();
        map.clear();
        expect(KEYS.filter((one) => map.get(one) !== undefined)).toEqual([]);
      }),
    );
  });
});
