// The order of pages, for stores that read it from several indexes at once.
import type { PageCursor } from './ports.js';

/** By time, then by the bytes of the key: the order in which Redis and SQLite both keep it. */
export function comparePageItems(a: PageCursor, b: PageCursor): number {
  return a.sinceMs - b.sinceMs || compareBytes(a.key, b.key);
}

/** UTF-8 order, which for characters beyond U+FFFF is not that of JavaScript's `<`. */
export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The first `limit` of lists each in order. */
export function mergePages<T extends PageCursor>(pages: readonly T[][], limit: number): T[] {
  const [only] = pages;
  return pages.length === 1 && only ? only : pages.flat().sort(comparePageItems).slice(0, limit);
}
