import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idBoundAt, isTimedId, newTimedId } from '../../src/storage/timed-id.js';

/** Until the year 9999, the last one of RFC 3339. */
const times = fc.integer({ min: 0, max: 253_402_300_799_999 });

describe('ids that begin with a time', () => {
  it('sort by time, and a range of times is a range of ids', () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        const id = newTimedId(a);
        expect(isTimedId(id)).toBe(true);
        expect(id >= idBoundAt(b)).toBe(a >= b);
        if (a !== b) expect(id < newTimedId(b)).toBe(a < b);
      }),
    );
  });

  it('are never the same twice', () => {
    const ids = Array.from({ length: 1_000 }, () => newTimedId(5));
    expect(new Set(ids).size).toBe(1_000);
  });

  it('have bounds for times before 1970', () => {
    expect(idBoundAt(-1)).toBe(idBoundAt(0));
    expect(newTimedId(0) >= idBoundAt(Number.NEGATIVE_INFINITY)).toBe(true);
    expect(newTimedId(0) < idBoundAt(Number.POSITIVE_INFINITY)).toBe(true);
  });

  it.each([
    '',
    'x',
    '019ac0f3b2c1',
    '019AC0F3B2C1-9F86D081884C7D65',
    '019ac0f3b2c1-9f86d081884c7d65 ',
    '[019ac0f3b2c1-9',
  ])('are not %p', (text) => {
    expect(isTimedId(text)).toBe(false);
  });
});
