// Keyed hashes of callbacks, as nearly all providers sign them, and their comparison in constant time.
import { type BinaryLike, createHmac, timingSafeEqual } from 'node:crypto';

type Encoding = 'base64' | 'base64url' | 'hex';

/** HMAC-SHA256 over all parts, one after another. */
export function hmacSha256(key: BinaryLike, parts: readonly (string | Buffer)[], encoding: Encoding): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest(encoding);
}

/** Takes the same time for each text of the expected length. */
export function isSameText(actual: string, expected: string): boolean {
  const [a, b] = [Buffer.from(actual), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
