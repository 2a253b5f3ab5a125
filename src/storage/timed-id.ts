// Ids that begin with a time, so that sorting by id sorts by time, a page can start after an id, and a range of times is a range of
// ids.
import { randomBytes } from 'node:crypto';

export type TimedId = string & { readonly brand: 'TimedId' };

/** Hexadecimal digits of a time in milliseconds: sufficient until the year 10889. */
const TIME_DIGITS = 12;
const MAX_TIME_MS = 2 ** 48 - 1;
const RANDOM_BYTES = 8;
const TIMED_ID = /^[\da-f]{12}-[\da-f]{16}$/;

export function newTimedId(timeMs: number): TimedId {
  return `${timePart(timeMs)}-${randomBytes(RANDOM_BYTES).toString('hex')}` as TimedId;
}

/** Every id of this time or later sorts after it, and every other id before it. */
export function idBoundAt(timeMs: number): string {
  return timePart(timeMs);
}

export function isTimedId(text: string): text is TimedId {
  return TIMED_ID.test(text);
}

function timePart(timeMs: number): string {
  return Math.min(Math.max(Math.floor(timeMs), 0), MAX_TIME_MS)
    .toString(16)
    .padStart(TIME_DIGITS, '0');
}
