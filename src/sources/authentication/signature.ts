// Keyed hashes of callbacks, as nearly all providers sign them, and their comparison in constant time.
import { type BinaryLike, createHmac, timingSafeEqual } from 'node:crypto';

type Encoding = 'base64' | 'base64url' | 'hex';

/** HMAC-SHA256 over all parts, one after another. */
export function hmacSha256(key: BinaryLike, parts: readonly (string | Buffer)[], encoding: Encoding): string {
  return hmac('sha256', { key, parts, encoding });
}

/** For providers that have nothing better. The collisions of SHA-1 do not help to forge an HMAC. */
export function hmacSha1(key: BinaryLike, parts: readonly (string | Buffer)[], encoding: Encoding): string {
  return hmac('sha1', { key, parts, encoding });
}

interface Keyed {
  readonly key: BinaryLike;
  readonly parts: readonly (string | Buffer)[];
  readonly encoding: Encoding;
}

function hmac(algorithm: 'sha1' | 'sha256', { key, parts, encoding }: Keyed): string {
  const hash = createHmac(algorithm, key);
  for (const part of parts) hash.update(part);
  return hash.digest(encoding);
}

const MAX_AHEAD_MS = 5 * 60_000;

/** Whether a signature is recent enough, and at most a few minutes in the future (clock skew). */
export function isSignatureInTime(signedAtMs: number, nowMs: number, maxAgeMs: number): boolean {
  return nowMs - signedAtMs <= maxAgeMs && signedAtMs - nowMs <= MAX_AHEAD_MS;
}

/** Takes the same time for each text of the expected length. */
export function isSameText(actual: string, expected: string): boolean {
  const [a, b] = [Buffer.from(actual), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
