// Validation of participant and device ids. They are opaque to us, so only a few rules apply.

export const MAX_IDENTIFIER_LENGTH = 256;

/** Fast path for the ids that providers issue. */
const COMMON = /^[\w.:-]{1,256}$/;

/** What is wrong with an id, phrased to follow "participantId"; undefined if it is valid. */
export function identifierFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is missing';
  if (typeof value !== 'string') return 'must be a string';
  if (COMMON.test(value)) return undefined;
  if (value.trim() === '') return 'must not be blank';
  if (value.length > MAX_IDENTIFIER_LENGTH) return `must not be longer than ${MAX_IDENTIFIER_LENGTH} characters`;
  if (/\p{Cc}/u.test(value)) return 'must not contain control characters';
  // A lone surrogate cannot be encoded in UTF-8: different ids could become the same id in a store.
  if (!value.isWellFormed()) return 'must be valid Unicode';
  return undefined;
}
