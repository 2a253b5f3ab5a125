// The sort order of pages, for stores that merge several indexes.
import type { PageCursor } from './ports.js';

/** By time, then by the bytes of the key, as Redis and SQLite sort their indexes. */
export function comparePageItems(a: PageCursor, b: PageCursor): number {
  return a.sinceMs - b.sinceMs || compareBytes(a.key, b.key);
}

/** UTF-8 byte order, which differs from JavaScript's `<` for characters beyond U+FFFF. */
export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Each page must be sorted. */
export function mergePages<T extends PageCursor>(pages: readonly T[][], limit: number): T[] {
  const [only] = pages;
  return pages.length === 1 && only ? only : pages.flat().sort(comparePageItems).slice(0, limit);
}
