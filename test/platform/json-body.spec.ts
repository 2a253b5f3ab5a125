import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTooDeep, MAX_JSON_DEPTH } from '../../src/platform/json-body.js';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the depth of a body', () => {
  it('is that of its value, whatever brackets and quotes its strings have', () => {
    const bracketed = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', 'a') });
    const values = fc
      .jsonValue({ stringUnit: 'grapheme', maxDepth: 6 })
      .chain((value) => fc.tuple(fc.constant(value), bracketed, fc.nat(40)));
    fc.assert(
      fc.property(values, ([value, text, levels]) => {
        let nested: unknown = { [text]: [text, value] };
        for (let n = 0; n < levels; n += 1) nested = n % 2 ? [text, nested] : { [text]: nested };
        expect(isTooDeep(JSON.stringify(nested))).toBe(depthOf(nested) > MAX_JSON_DEPTH);
      }),
    );
  });

  it('is found for text that is no JSON, too', () => {
    expect(isTooDeep('['.repeat(60_000))).toBe(true);
    expect(isTooDeep(']}"\\')).toBe(false);
  });
});
