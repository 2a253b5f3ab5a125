import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import fastify from 'fastify';
import { jsonBodyParser, MAX_JSON_DEPTH, MAX_JSON_VALUES, shapeFault } from '../../src/http/json-body.js';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the depth of a body', () => {
  it('is that of its JSON value, whatever brackets, commas and quotes its strings contain', () => {
    const bracketed = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', 'a') });
    const values = fc
      .jsonValue({ stringUnit: 'grapheme', maxDepth: 6 })
      .chain((value) => fc.tuple(fc.constant(value), bracketed, fc.nat(40)));
    fc.assert(
      fc.property(values, ([value, text, levels]) => {
        let nested: unknown = { [text]: [text, value] };
        for (let n = 0; n < levels; n += 1) nested = n % 2 ? [text, nested] : { [text]: nested };
        const isTooDeep = shapeFault(JSON.stringify(nested)) !== undefined;
        expect(isTooDeep).toBe(depthOf(nested) > MAX_JSON_DEPTH);
      }),
    );
  });

  it('is checked even for text that is not valid JSON', () => {
    expect(shapeFault('['.repeat(60_000))).toContain('nested deeper');
    expect(shapeFault(']}"\\')).toBeUndefined();
  });
});

describe('the number of values of a body', () => {
  const shapes: [string, (count: number) => unknown][] = [
    ['members', (count) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, n]))],
    ['elements', (count) => Array(count).fill(0)],
    ['strings with commas', (count) => Array(count).fill(',{"[,')],
    ['members of one element', (count) => [[Object.assign({}, Array(count - 2).fill(1))]]],
  ];

  it.each(shapes)('is limited for %s', (_, shaped) => {
    expect(shapeFault(JSON.stringify(shaped(MAX_JSON_VALUES)))).toBeUndefined();
    expect(shapeFault(JSON.stringify(shaped(MAX_JSON_VALUES + 1)))).toContain('members and elements');
  });

  it('is limited for nested empty containers', () => {
    expect(shapeFault(JSON.stringify(Array(MAX_JSON_VALUES).fill([[{}]])))).toContain('members and elements');
  });

  it('is checked before the body is parsed', () => {
    const parse = jsonBodyParser(fastify());
    expect(parse(Buffer.from(JSON.stringify(Array(MAX_JSON_VALUES).fill(1))))).toHaveLength(MAX_JSON_VALUES);
    const tooMany = Buffer.from(JSON.stringify(Array(MAX_JSON_VALUES + 1).fill(1)));
    expect(() => parse(tooMany)).toThrow('members and elements');
  });
});
