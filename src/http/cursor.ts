// An opaque page cursor. It includes the filter, because with another filter it would skip participants, and the feed
// position of the first page, so that a client that follows the feed from there misses nothing.

import { parsePosition } from '../storage/feed-position.js';
import { invalidParameter, type ProblemError } from './problem.js';

/** `parts` depend on the list. The cursor is only valid with the same `filter`. */
export function encodeCursor(parts: readonly (string | number)[], filter: string): string {
  return Buffer.from(JSON.stringify([...parts, filter])).toString('base64url');
}

/** Throws a problem if the cursor does not have such parts or was issued for another filter. */
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

export function isPosition(value: unknown): boolean {
  return typeof value === 'string' && parsePosition(value) !== undefined;
}

export function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function parse(text: string): unknown[] {
  try {
    const bytes = Buffer.from(text, 'base64url');
    // Buffer.from ignores characters that are not base64url.
    const values: unknown = bytes.toString('base64url') === text ? JSON.parse(bytes.toString()) : [];
    return Array.isArray(values) ? values : [];
  } catch {
    return [];
  }
}

function cursorProblem(message: string): ProblemError {
  return invalidParameter('cursor', message);
}
