import { hash } from 'node:crypto';

/** A strong ETag of a JSON text. */
export function etagOf(text: string): string {
  return `"${hash('sha1', text, 'base64url')}"`;
}

/**
 * Whether an If-None-Match header matches this ETag (RFC 9110, 13.1.2: weak comparison).
 * `Cache-Control: no-cache` is ignored: it is meant for caches, and Node's fetch always sends it.
 */
export function namesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const names = ifNoneMatch.split(',').map((name) => name.trim().replace(/^W\//, ''));
  return names.includes('*') || names.includes(etag);
}
