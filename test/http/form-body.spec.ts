import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isForm, MAX_FORM_FIELDS, parseForm } from '../../src/http/form-body.js';
import { ProblemError } from '../../src/http/problem.js';

const parse = (text: string | Buffer) => parseForm(Buffer.from(text));

describe('the body of a form', () => {
  it('is recognised by its content type', () => {
    expect(
      ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-URLencoded ; charset=UTF-8'].every(isForm),
    ).toBe(true);
    expect(['', 'application/json', 'application/x-www-form-urlencoded2'].some(isForm)).toBe(false);
  });

  it('is decoded', () => {
    expect(parse('a=1&b=x+y%20z&c=%E2%9C%93&d=a=b&e&=f&&%61=2')).toEqual({
      a: '1',
      b: 'x y z',
      c: '✓',
      d: 'a=b',
      e: '',
      '': 'f',
    });
    expect(parse('')).toEqual({});
  });

  it('cannot change the prototype of the result', () => {
    const fields = parse('__proto__=x&constructor=y');
    expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
    expect(Object.keys(fields)).toEqual(['__proto__', 'constructor']);
  });

  it('is refused if it is not UTF-8, encoded or not', () => {
    for (const body of ['a=%ff', 'a=%', '%zz=1', Buffer.from([0x61, 0xff])])
      expect(() => parse(body)).toThrow(ProblemError);
  });

  it('is refused if it has too many fields', () => {
    const fields = Array.from({ length: MAX_FORM_FIELDS }, (_, n) => `f${n}=`);
    expect(Object.keys(parse(fields.join('&')))).toHaveLength(MAX_FORM_FIELDS);
    expect(() => parse([...fields, 'more='].join('&'))).toThrow('The body has more than 200 fields.');
    expect(() => parse('&'.repeat(60_000))).toThrow(ProblemError);
  });

  it('is read as URLSearchParams writes it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })), (fields) => {
        const written = new URLSearchParams(Object.entries(fields)).toString();
        expect(Object.entries(parse(written))).toEqual(Object.entries(fields));
      }),
    );
  });
});
