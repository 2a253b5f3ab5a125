import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatPosition, parsePosition } from '../../src/storage/feed-position.js';

describe('the text of a position', () => {
  const place = fc.record(
    {
      epoch: fc.stringMatching(/^[\da-f]{12}$/),
      entry: fc.stringMatching(/^\d{1,16}(-\d{1,16})?$/),
      changeOffset: fc.nat(9_999),
    },
    { requiredKeys: ['epoch', 'entry'] },
  );

  it('is parsed to the original position', () => {
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 4 }), (position) => {
        expect(parsePosition(formatPosition(position))).toEqual(position);
        expect(encodeURIComponent(formatPosition(position))).toBe(formatPosition(position));
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
  ])('is rejected if it is %j', (text) => {
    expect(parsePosition(text)).toBeUndefined();
  });
});
