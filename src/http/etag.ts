import { hash } from 'node:crypto';

/** A strong ETag of a JSON text: the same if and only if the text is. */
export function etagOf(text: string): string {
  return `"${hash('sha1', text, 'base64url')}"`;
}

/**
 * Whether an If-None-Match header names this ETag (RFC 9110, 13.1.2: weak comparison).
 * A `Cache-Control: no-cache` beside it is for caches: Node's fetch always sends one.
 */
export function namesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const names = ifNoneMatch.split(',').map((name) => name.trim().replace(/^W\//, ''));
  return names.includes('*') || names.includes(etag);
}
