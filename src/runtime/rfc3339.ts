const DAY_MS = 86_400_000;
/** The range of Date: https://tc39.es/ecma262/#sec-time-values-and-time-range */
const MAX_TIME_MS = 8.64e15;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

let cachedDay = 0;
let cachedDate = '1970-01-01T';

/**
 * Formats whole epoch milliseconds as RFC 3339 with milliseconds, UTC. The result equals `Date.toISOString` and takes a
 * fifth of its time: a page of participants has hundreds of times, nearly all of the same day.
 */
export function rfc3339(timeMs: number): string {
  const day = Math.floor(timeMs / DAY_MS);
  if (day !== cachedDay) {
    cachedDate = new Date(timeMs).toISOString().slice(0, -'00:00:00.000Z'.length);
    cachedDay = day;
  }
  const timeOfDayMs = timeMs - day * DAY_MS;
  const s = Math.floor(timeOfDayMs / 1_000);
  const min = Math.floor(s / 60);
  const h = Math.floor(min / 60);
  const ms = String(1_000 + timeOfDayMs - s * 1_000).slice(1);
  return `${cachedDate}${TWO_DIGITS[h]}:${TWO_DIGITS[min % 60]}:${TWO_DIGITS[s % 60]}.${ms}Z`;
}

const RFC3339 = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/** Parses an RFC 3339 time, without leap seconds, to epoch milliseconds; undefined if it is not valid. */
export function parseRfc3339(text: string): number | undefined {
  const timeMs = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) return undefined;
  // Date.parse reads the 30th of February as the 2nd of March.
  const day = text.slice(0, 'YYYY-MM-DD'.length);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? timeMs : undefined;
}

/** Whether `rfc3339` can format the value. */
export function isTimeMs(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= MAX_TIME_MS;
}
