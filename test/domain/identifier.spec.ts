import { describe, expect, it } from '@jest/globals';
import { identifierFault } from '../../src/domain/identifier.js';

describe('an identifier', () => {
  it.each([
    ['473f6544-92f7-4d67-9e77-bf2533cfff6d'],
    ['a'],
    ['x'.repeat(256)],
    ['Ann Example'],
    [' padded '],
    ['ü'.repeat(256)],
    ['😀'],
    ['a/b?c#d'],
  ])('can be %j', (id) => {
    expect(identifierFault(id)).toBeUndefined();
  });

  it.each([
    [undefined, 'is missing'],
    [null, 'is missing'],
    [7, 'must be a string'],
    [{}, 'must be a string'],
    ['', 'must not be blank'],
    [' \t', 'must not be blank'],
    ['x'.repeat(257), 'must not be longer than 256 characters'],
    ['ü'.repeat(257), 'must not be longer than 256 characters'],
    ['a\nb', 'must not contain control characters'],
    ['a\u0000', 'must not contain control characters'],
    ['a\u007f', 'must not contain control characters'],
    ['a\ud800', 'must be valid Unicode'],
    ['\udc00é', 'must be valid Unicode'],
  ])('cannot be %j: it %s', (id, fault) => {
    expect(identifierFault(id)).toBe(fault);
  });
});
