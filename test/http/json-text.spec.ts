import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { jsonArray } from '../../src/http/json-text.js';

/** As one that is large. */
function spendMs(ms: number): void {
  for (const startMs = performance.now(); performance.now() - startMs < ms; );
}

describe('a JSON array of many items', () => {
  it('has all of them in order, but those without a text', async () => {
    const numbers = Array.from({ length: 1_000 }, (_, n) => n);
    const text = await jsonArray(numbers, (n, index) => (n % 7 === 0 ? undefined : `${n + index}`));
    expect(JSON.parse(text)).toEqual(numbers.filter((n) => n % 7 !== 0).map((n) => 2 * n));
    expect(await jsonArray([], () => 'x')).toBe('[]');
  });

  it('leaves other work its turns, also between a few large items', async () => {
    let turns = 0;
    let isDone = false;
    const other = (async () => {
      for (; !isDone; turns += 1) await setImmediate();
    })();
    await jsonArray(Array(10).fill('item'), (item: string) => {
      spendMs(2);
      return item;
    });
    isDone = true;
    await other;
    expect(turns).toBeGreaterThanOrEqual(9);
  });
});
