import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FeedPosition, formatPosition, isPast, parsePosition } from '../../src/storage/feed-position.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 1);

const epoch = fc.stringMatching(/^[\da-f]{12}$/);
const changeOffset = fc.integer({ min: 1, max: 9_999 });

/** Of a Redis stream. */
function entryOf(ms: fc.Arbitrary<number>, sequence: fc.Arbitrary<number>): fc.Arbitrary<string> {
  return fc.tuple(ms, sequence).map((parts) => parts.join('-'));
}

/** What is left of the epochs in the text of a position of several shards. */
function abbreviated(position: FeedPosition): FeedPosition {
  return position.length === 1 ? position : position.map((part) => ({ ...part, epoch: part.epoch.slice(0, 1) }));
}

describe('the text of a position', () => {
  const place = fc.record(
    { epoch, entry: fc.stringMatching(/^\d{1,16}(-\d{1,16})?$/), changeOffset },
    { requiredKeys: ['epoch', 'entry'] },
  );
  const anyEntry = entryOf(
    fc.maxSafeNat().map((ms) => ms % 2 ** 44),
    fc.oneof(fc.nat(9), fc.maxSafeNat()),
  );
  const anyShard = fc.record({ epoch, entry: anyEntry, changeOffset }, { requiredKeys: ['epoch', 'entry'] });
  const anyPosition = fc.oneof(
    place.map((only) => [only]),
    fc.array(anyShard, { minLength: 2, maxLength: 64 }),
  );

  it('is parsed to the original position, and may be part of a URL', () => {
    fc.assert(
      fc.property(anyPosition, (position) => {
        const text = formatPosition(position);
        expect(parsePosition(text)).toEqual(abbreviated(position));
        expect(formatPosition(parsePosition(text) ?? [])).toBe(text);
        expect(encodeURIComponent(text)).toBe(text);
      }),
    );
  });

  it('has at most 120 characters with 16 shards of which none was idle for more than 12 days', () => {
    const entry = entryOf(fc.integer({ min: NOW_MS - 12 * DAY_MS, max: NOW_MS }), fc.nat(6));
    const sixteen = fc.array(fc.record({ epoch, entry }), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(sixteen, (position) => {
        expect(formatPosition(position).length).toBeLessThanOrEqual(120);
      }),
    );
  });

  it('has at most 120 characters with 16 shards that are busy, and a part of an entry read', () => {
    const entry = entryOf(fc.integer({ min: NOW_MS - 1_000, max: NOW_MS }), fc.nat(511));
    const sixteen = fc.array(fc.record({ epoch, entry }), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(sixteen, fc.nat(15), changeOffset, (position, shard, offset) => {
        const partly = position.map((part, n) => (n === shard ? { ...part, changeOffset: offset } : part));
        expect(formatPosition(partly).length).toBeLessThanOrEqual(120);
      }),
    );
  });

  it('of shards that have been idle for a year is as short if they began together', () => {
    const idle = Array.from({ length: 15 }, (_, n) => ({
      epoch: 'abcdefabcdef',
      entry: `${NOW_MS - 365 * DAY_MS + n}-0`,
    }));
    expect(formatPosition([{ epoch: 'abcdefabcdef', entry: `${NOW_MS}-0` }, ...idle]).length).toBeLessThan(80);
  });

  it('is past what the original was past', () => {
    const entry = entryOf(fc.integer({ min: NOW_MS, max: NOW_MS + 3 }), fc.nat(2));
    const shards = fc.array(fc.record({ epoch, entry }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(shards, entry, (position, other) => {
        const target = { epoch: position[1]?.epoch ?? '', entry: other };
        const parsed = parsePosition(formatPosition(position)) ?? [];
        expect(isPast(parsed, 1, target)).toBe(isPast(position, 1, target));
      }),
    );
  });

  it.each([
    '',
    'x',
    '1-0',
    '_',
    'abcdefabcdef',
    'abcdefabcdef.',
    'abcdefabcdef.1.',
    'abcdefabcdef.1_',
    'ABCDEFABCDEF.1',
    '2.',
    '2.AAAA',
    '2.____________________________________________',
  ])('is rejected if it is %j', (text) => {
    expect(parsePosition(text)).toBeUndefined();
  });

  it('is rejected if it is cut off, or has a character more', () => {
    const shards = fc.array(anyShard, { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(shards, (position) => {
        const text = formatPosition(position);
        expect(parsePosition(text.slice(0, -1))).toBeUndefined();
        expect(parsePosition(`${text}A`)).toBeUndefined();
        expect(parsePosition(`${text} `)).toBeUndefined();
      }),
    );
  });
});
