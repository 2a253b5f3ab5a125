// Checks times in epoch milliseconds or seconds, and in RFC 3339.
import { parseRfc3339 } from '../runtime/rfc3339.js';

/**
 * Detects timestamps in a wrong unit. In every unit the bounds correspond to the years 1973 and 5138, so the ranges do not
 * overlap for plausible times.
 */
const UNITS = [
  { unit: 'seconds', below: 1e11 },
  { unit: undefined, below: 1e14 },
  { unit: 'microseconds', below: 1e17 },
  { unit: 'nanoseconds', below: 1e20 },
] as const;
const EXPECTED = 'expected the time of the event in epoch milliseconds, like "1628786234676"';

/** What is wrong with a number or its decimal text; undefined if it is a time in epoch milliseconds. */
export function timestampFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return `is missing; ${EXPECTED}`;
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,20}(\.\d{1,9})?$/.test(value));
  const time = isNumber ? Number(value) : Number.NaN;
  const found = time >= 0 ? UNITS.find(({ below }) => time < below) : undefined;
  if (found?.unit) return `looks like ${found.unit}; ${EXPECTED}`;
  return found && Number.isInteger(time) ? undefined : `must be a whole number; ${EXPECTED}`;
}

/** In epoch seconds, as a number. The same years: times in other units are outside. */
export function secondsFault(value: unknown): string | undefined {
  const isTime = Number.isInteger(value) && Number(value) >= 1e8 && Number(value) < 1e11;
  return isTime ? undefined : 'must be a time in whole seconds since the epoch';
}

/**
 * In epoch milliseconds; undefined if it is not valid. The years 1973 to 5138: what is outside is a mistake, such as the zero time
 * of some languages.
 */
export function rfc3339TimeMs(value: unknown): number | undefined {
  const timeMs = typeof value === 'string' ? parseRfc3339(value) : undefined;
  return timeMs !== undefined && timeMs >= 1e11 && timeMs < 1e14 ? timeMs : undefined;
}
