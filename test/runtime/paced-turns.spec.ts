import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { PacedTurns } from '../../src/runtime/paced-turns.js';

describe('paced turns', () => {
  it('come one after another, in order, and never two in one turn of the event loop', async () => {
    const turns = new PacedTurns();
    let turn = 0;
    let isCounting = true;
    const counting = (async () => {
      for (; isCounting; turn += 1) await setImmediate();
    })();
    const begun: [read: number, turn: number][] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, client) => turns.take(async () => void begun.push([client, turn]))),
    );
    isCounting = false;
    await counting;
    expect(begun.map(([client]) => client)).toEqual(Array.from({ length: 20 }, (_, client) => client));
    expect(new Set(begun.map(([, at]) => at)).size).toBe(20);
  });

  it('are refused to all who wait when the store is away, and are there again afterwards', async () => {
    const turns = new PacedTurns();
    const begun: string[] = [];
    const away = turns.take(async () => {
      await setImmediate();
      throw new Error('away');
    });
    const others = ['a', 'b'].map((client) => turns.take(async () => begun.push(client)));
    const outcomes = await Promise.allSettled([away, ...others]);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message)).toEqual(
      Array(3).fill('away'),
    );
    expect(begun).toEqual([]);
    expect(await turns.take(async () => 'read')).toBe('read');
  });
});
