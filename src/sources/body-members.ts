// Reading the members of a body of which nothing is certain.
import type { FieldError } from '../http/problem.js';

export type Members = Readonly<Record<string, unknown>>;

/** A value that is not an object has no members. */
export function membersOf(value: unknown): Members {
  return isObject(value) ? value : {};
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `messages`: what is wrong with a member, by its path from the root, such as `room/name`. */
export function fieldErrors(messages: Readonly<Record<string, string | undefined>>): FieldError[] {
  return Object.entries(messages).flatMap(([path, message]) => (message ? [{ pointer: `#/${path}`, message }] : []));
}
