// Answers as JSON text. A long one is made in parts, with other work in between: a thousand participants at once would
// keep every callback waiting that comes in meanwhile.
import { atTurnsEnd } from './turns.js';

export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** So many take about a millisecond. */
const PART_SIZE = 128;

/** A JSON array of what `toJson` makes of each item. */
export async function jsonArray<T>(items: readonly T[], toJson: (item: T, index: number) => string): Promise<string> {
  const parts: string[] = [];
  for (let from = 0; from < items.length; from += PART_SIZE) {
    if (from > 0) await new Promise<void>(atTurnsEnd);
    const part = items.slice(from, from + PART_SIZE);
    parts.push(part.map((item, index) => toJson(item, from + index)).join());
  }
  return `[${parts.join()}]`;
}
