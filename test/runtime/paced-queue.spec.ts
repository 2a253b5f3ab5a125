import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { PacedQueue } from '../../src/runtime/paced-queue.js';

describe('a paced queue', () => {
  it('come one after another, in order, and never two in one turn of the event loop', async () => {
    const queue = new PacedQueue();
    let turn = 0;
    let isCounting = true;
    const counting = (async () => {
      for (; isCounting; turn += 1) await setImmediate();
    })();
    const begun: [read: number, turn: number][] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, client) => queue.run(async () => void begun.push([client, turn]))),
    );
    isCounting = false;
    await counting;
    expect(begun.map(([client]) => client)).toEqual(Array.from({ length: 20 }, (_, client) => client));
    expect(new Set(begun.map(([, at]) => at)).size).toBe(20);
  });

  it('are refused to all who wait when the store is away, and are there again afterwards', async () => {
    const queue = new PacedQueue();
    const begun: string[] = [];
    const away = queue.run(async () => {
      await setImmediate();
      throw new Error('away');
    });
    const others = ['a', 'b'].map((client) => queue.run(async () => begun.push(client)));
    const outcomes = await Promise.allSettled([away, ...others]);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message)).toEqual(
      Array(3).fill('away'),
    );
    expect(begun).toEqual([]);
    expect(await queue.run(async () => 'read')).toBe('read');
  });
});
