const DAY_MS = 86_400_000;
/** Of a Date: https://tc39.es/ecma262/#sec-time-values-and-time-range */
const GREATEST_MS = 8.64e15;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

let day = 0;
let date = '1970-01-01T';

/**
 * A time in whole epoch milliseconds as RFC 3339 has it, with milliseconds, UTC: what `Date.toISOString` makes of it, in a
 * fifth of its time. A page of participants has some hundreds, nearly all of one day.
 */
export function rfc3339(timeMs: number): string {
  const itsDay = Math.floor(timeMs / DAY_MS);
  if (itsDay !== day) {
    date = new Date(timeMs).toISOString().slice(0, -'00:00:00.000Z'.length);
    day = itsDay;
  }
  const ofDayMs = timeMs - itsDay * DAY_MS;
  const s = Math.floor(ofDayMs / 1_000);
  const min = Math.floor(s / 60);
  const h = Math.floor(min / 60);
  const ms = String(1_000 + ofDayMs - s * 1_000).slice(1);
  return `${date}${TWO_DIGITS[h]}:${TWO_DIGITS[min % 60]}:${TWO_DIGITS[s % 60]}.${ms}Z`;
}

const RFC3339 = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/** The epoch milliseconds of a time as RFC 3339 has it, without leap seconds; undefined: it is none. */
export function parseRfc3339(text: string): number | undefined {
  const timeMs = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) return undefined;
  // Date takes the 30th of February for the 2nd of March.
  const day = text.slice(0, 'YYYY-MM-DD'.length);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? timeMs : undefined;
}

/** Whether `rfc3339` can be made of it. */
export function isTimeMs(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= GREATEST_MS;
}
