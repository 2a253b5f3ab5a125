// Secrets are compared by their digests: of one length, and in a time that tells nothing.
import { createHash, timingSafeEqual } from 'node:crypto';

export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The index of the digest that this is the secret of, or -1. Takes the same time wherever it is, or is not. */
export function indexOfSecret(text: string, digests: readonly Buffer[]): number {
  const digest = digestOf(text);
  let found = -1;
  for (const [index, one] of digests.entries()) {
    if (timingSafeEqual(digest, one)) found = index;
  }
  return found;
}
