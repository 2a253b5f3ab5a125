// Secrets are compared by their digests, which have equal length, in constant time.
import { createHash, timingSafeEqual } from 'node:crypto';

export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The index of the digest of this secret, or -1. Takes the same time whether or not, and wherever, it is found. */
export function indexOfSecret(text: string, digests: readonly Buffer[]): number {
  const digest = digestOf(text);
  let found = -1;
  for (const [index, one] of digests.entries()) {
    if (timingSafeEqual(digest, one)) found = index;
  }
  return found;
}
