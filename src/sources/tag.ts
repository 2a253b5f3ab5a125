// The tag of a callback. An event must not be lost because of it.
const MAX_TAG_LENGTH = 1_024;

/** What `tagOf` has to change, phrased to follow "tag"; undefined: nothing. */
export function tagFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') return 'is not a string';
  return value.length > MAX_TAG_LENGTH ? `is longer than ${MAX_TAG_LENGTH} characters and was truncated` : undefined;
}

/**
 * Numbers and booleans become text, long text is truncated, characters that the stores cannot hold are removed, and any other
 * value counts as no tag.
 */
export function tagOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return undefined;
  const text = value.length > MAX_TAG_LENGTH ? value.slice(0, MAX_TAG_LENGTH) : value;
  const isStorable = text.isWellFormed() && !text.includes('\0');
  return (isStorable ? text : text.toWellFormed().replaceAll('\0', '')) || undefined;
}
