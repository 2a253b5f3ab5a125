// The body of a callback that is one JSON object, and what is wrong with its members.
import type { FieldError } from '../http/problem.js';
import type { Translation } from './source.js';

export const NOT_AN_OBJECT: Translation = {
  outcome: 'invalid',
  errors: [{ pointer: '#', message: 'the body must be a JSON object' }],
};

export function isJsonObject(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

export type Members = Readonly<Record<string, unknown>>;

/** A value that is not an object has no members. */
export function membersOf(value: unknown): Members {
  return isJsonObject(value) ? value : {};
}

/** undefined: it is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** `faults`: by member, phrased to follow its name; undefined if it is valid. A nested member is named like `device/deviceId`. */
export function fieldErrors(faults: Readonly<Record<string, string | undefined>>): FieldError[] {
  return Object.entries(faults).flatMap(([name, message]) => (message ? [{ pointer: `#/${name}`, message }] : []));
}
