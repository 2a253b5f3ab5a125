import { createHash } from 'node:crypto';

/** A strong ETag of a JSON value: the same if and only if the answer is. */
export function etagOf(value: unknown): string {
  return `"${createHash('sha1').update(JSON.stringify(value)).digest('base64url')}"`;
}
