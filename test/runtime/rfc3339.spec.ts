import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRfc3339, rfc3339 } from '../../src/runtime/rfc3339.js';

const MAX_MS = 8.64e15;

it('formats a series of times exactly like Date', () => {
  const times = fc.oneof(fc.integer({ min: -MAX_MS, max: MAX_MS }), fc.integer({ min: 1.79e12, max: 1.791e12 }));
  fc.assert(
    fc.property(fc.array(times, { minLength: 1 }), (some) => {
      expect(some.map(rfc3339)).toEqual(some.map((timeMs) => new Date(timeMs).toISOString()));
    }),
    { numRuns: 1_000 },
  );
});

describe('parseRfc3339', () => {
  it('parses valid times', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (date) => {
          expect(parseRfc3339(rfc3339(date.getTime()))).toBe(date.getTime());
        },
      ),
    );
    expect(parseRfc3339('2026-11-23T10:30:00+01:00')).toBe(Date.parse('2026-11-23T09:30:00Z'));
    expect(parseRfc3339('2026-11-23t09:30:00.123456z')).toBe(Date.parse('2026-11-23T09:30:00.123Z'));
    expect(parseRfc3339('2028-02-29T00:00:00Z')).toBe(Date.parse('2028-02-29T00:00:00Z'));
  });

  it.each([
    '',
    'yesterday',
    '1790000000000',
    '2026-11-23',
    '2026-11-23T09:30:00',
    '2026-11-23 09:30:00Z',
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-23T24:00:00Z',
    '2026-11-23T09:60:00Z',
    '2026-11-23T09:30:00+25:00',
    '+002026-11-23T09:30:00Z',
  ])('rejects %p', (text) => {
    expect(parseRfc3339(text)).toBeUndefined();
  });
});
