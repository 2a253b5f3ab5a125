import { createHash } from 'node:crypto';

/** A strong ETag of a JSON value: the same if and only if the answer is. */
export function etagOf(value: unknown): string {
  return `"${createHash('sha1').update(JSON.stringify(value)).digest('base64url')}"`;
}

/**
 * Whether an If-None-Match header names this ETag (RFC 9110, 13.1.2: weak comparison).
 * A `Cache-Control: no-cache` beside it is for caches: Node's fetch always sends one.
 */
export function namesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  const names = ifNoneMatch?.split(',').map((name) => name.trim().replace(/^W\//, '')) ?? [];
  return names.includes('*') || names.includes(etag);
}
