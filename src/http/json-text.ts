// Answers as JSON text. A long one is made in parts, with other work in between: a thousand participants at once would
// keep every callback waiting that comes in meanwhile.
import { atTurnsEnd } from '../runtime/tick-batch.js';

export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** So many take about a millisecond. */
const PART_SIZE = 128;

/** A JSON array of what `toJson` makes of each item; undefined leaves it out. */
export async function jsonArray<T>(
  items: readonly T[],
  toJson: (item: T, index: number) => string | undefined,
): Promise<string> {
  const texts: string[] = [];
  for (let from = 0; from < items.length; from += PART_SIZE) {
    if (from > 0) await new Promise<void>(atTurnsEnd);
    for (const [index, item] of items.slice(from, from + PART_SIZE).entries()) {
      const text = toJson(item, from + index);
      if (text !== undefined) texts.push(text);
    }
  }
  return `[${texts.join()}]`;
}
