// Answers as JSON text. A long one is made in parts, with other work in between: a thousand participants at once would
// keep every callback waiting that comes in meanwhile.
import { atTurnsEnd } from '../runtime/tick-batch.js';

export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** How long is spent on items at once: large ones take many times as long as usual ones. */
const PART_MS = 1;

/** A JSON array of what `toJson` makes of each item; undefined leaves it out. */
export async function jsonArray<T>(
  items: readonly T[],
  toJson: (item: T, index: number) => string | undefined,
): Promise<string> {
  const texts: string[] = [];
  let partMs = performance.now();
  for (const [index, item] of items.entries()) {
    if (performance.now() - partMs > PART_MS) {
      await new Promise<void>(atTurnsEnd);
      partMs = performance.now();
    }
    const text = toJson(item, index);
    if (text !== undefined) texts.push(text);
  }
  return `[${texts.join()}]`;
}
