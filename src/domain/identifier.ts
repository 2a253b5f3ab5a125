// What may be the id of a participant or a device: providers call them opaque, so little is asked of them.

export const MAX_IDENTIFIER_LENGTH = 256;

/** What providers give out: nothing is wrong with it, and one look says so. */
const USUAL = /^[\w.:-]{1,256}$/;

/** What is wrong with it, in words to follow "participantId"; undefined when nothing is. */
export function identifierFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is missing';
  if (typeof value !== 'string') return 'must be a string';
  if (USUAL.test(value)) return undefined;
  if (value.trim() === '') return 'must not be blank';
  if (value.length > MAX_IDENTIFIER_LENGTH) return `must not be longer than ${MAX_IDENTIFIER_LENGTH} characters`;
  if (/\p{Cc}/u.test(value)) return 'must not have control characters';
  // Half a surrogate pair has no UTF-8: two such ids would become the same one in a store.
  if (!value.isWellFormed()) return 'must be valid Unicode';
  return undefined;
}
