import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { PacedQueue } from '../../src/runtime/paced-queue.js';

describe('PacedQueue', () => {
  it('starts work in order, at most once per turn of the event loop', async () => {
    const queue = new PacedQueue(() => false);
    let turn = 0;
    let isCounting = true;
    const counting = (async () => {
      for (; isCounting; turn += 1) await setImmediate();
    })();
    const started: [read: number, turn: number][] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, client) => queue.run(async () => void started.push([client, turn]))),
    );
    isCounting = false;
    await counting;
    expect(started.map(([client]) => client)).toEqual(Array.from({ length: 20 }, (_, client) => client));
    expect(new Set(started.map(([, at]) => at)).size).toBe(20);
  });

  it('rejects all waiting work after a failure that concerns all, and works again afterwards', async () => {
    const queue = new PacedQueue((error) => (error as Error).message === 'unavailable');
    const started: string[] = [];
    const failing = queue.run(async () => {
      await setImmediate();
      throw new Error('unavailable');
    });
    const others = ['a', 'b'].map((client) => queue.run(async () => started.push(client)));
    const outcomes = await Promise.allSettled([failing, ...others]);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message)).toEqual(
      Array(3).fill('unavailable'),
    );
    expect(started).toEqual([]);
    expect(await queue.run(async () => 'read')).toBe('read');
  });

  it('goes on after a failure that concerns only one read', async () => {
    const queue = new PacedQueue((error) => (error as Error).message === 'unavailable');
    const failing = queue.run(async () => {
      await setImmediate();
      throw new Error('not found');
    });
    const outcomes = await Promise.allSettled([failing, ...['a', 'b'].map((client) => queue.run(async () => client))]);
    expect(outcomes).toMatchObject([
      { reason: { message: 'not found' } },
      { status: 'fulfilled', value: 'a' },
      { status: 'fulfilled', value: 'b' },
    ]);
  });
});
