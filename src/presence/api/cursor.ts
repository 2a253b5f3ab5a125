// Where a page ended, as text that callers hand back. It holds the filter, too: with another one it would skip people;
// and the position of the feed at the first page, so that who follows from the last one's has missed nothing.
import { invalidParameter, type ProblemError } from '../../http/problem.js';
import { parsePosition } from '../../storage/feed-position.js';

/** `parts`: what a cursor of this list is made of; the filter is to be the same when it comes back. */
export function encodeCursor(parts: readonly (string | number)[], filter: string): string {
  return Buffer.from(JSON.stringify([...parts, filter])).toString('base64url');
}

/** Throws a problem for what `encodeCursor` cannot have made of parts like these and this filter. */
export function decodeCursor(
  text: string,
  areParts: readonly ((value: unknown) => boolean)[],
  filter: string,
): (string | number)[] {
  const values = parse(text);
  const isWellFormed = values.length === areParts.length + 1 && areParts.every((isPart, n) => isPart(values[n]));
  if (!isWellFormed) throw cursorProblem('was not issued by this service');
  if (values.at(-1) !== filter) throw cursorProblem('was issued for other parameters');
  return values.slice(0, -1) as (string | number)[];
}

/** As a part of a cursor. */
export function isPosition(value: unknown): boolean {
  return typeof value === 'string' && parsePosition(value) !== undefined;
}

/** As a part of a cursor. */
export function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function parse(text: string): unknown[] {
  try {
    const bytes = Buffer.from(text, 'base64url');
    // Decoding passes over what is no base64url.
    const values: unknown = bytes.toString('base64url') === text ? JSON.parse(bytes.toString()) : [];
    return Array.isArray(values) ? values : [];
  } catch {
    return [];
  }
}

function cursorProblem(message: string): ProblemError {
  return invalidParameter('cursor', message);
}
