import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { jsonArray } from '../../src/http/json-text.js';

/** Blocks the event loop, like encoding a large item. */
function spendMs(ms: number): void {
  for (const startMs = performance.now(); performance.now() - startMs < ms; );
}

describe('jsonArray', () => {
  it('contains all items in order, except those without text', async () => {
    const numbers = Array.from({ length: 1_000 }, (_, n) => n);
    const text = await jsonArray(numbers, (n, index) => (n % 7 === 0 ? undefined : `${n + index}`));
    expect(JSON.parse(text)).toEqual(numbers.filter((n) => n % 7 !== 0).map((n) => 2 * n));
    expect(await jsonArray([], () => 'x')).toBe('[]');
  });

  it('yields to other work, even between a few large items', async () => {
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
