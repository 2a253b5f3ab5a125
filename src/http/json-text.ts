// Responses as JSON text. Long arrays are serialized in slices that yield to other work in between: a thousand participants in
// one go would delay every callback that arrives meanwhile.
import { onTickEnd } from '../runtime/tick-batch.js';

export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** A time, not a number of items: large items take many times as long as others. */
const SLICE_MS = 1;

/** A JSON array of the texts that `toJson` returns; items for which it returns undefined are left out. */
export async function jsonArray<T>(
  items: readonly T[],
  toJson: (item: T, index: number) => string | undefined,
): Promise<string> {
  const texts: string[] = [];
  let sliceStartMs = performance.now();
  for (const [index, item] of items.entries()) {
    if (performance.now() - sliceStartMs > SLICE_MS) {
      await new Promise<void>(onTickEnd);
      sliceStartMs = performance.now();
    }
    const text = toJson(item, index);
    if (text !== undefined) texts.push(text);
  }
  return `[${texts.join()}]`;
}
