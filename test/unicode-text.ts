import fc from 'fast-check';

const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * Any code point of Unicode, as the unit of a string. fast-check's own unit for this, 'binary', makes an index of all million of them
 * in each file that uses it, which takes more than a second.
 */
export const codePoint = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES.count })
  .map((n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count));
