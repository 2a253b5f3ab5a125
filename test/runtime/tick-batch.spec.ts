import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { InFlightLimit } from '../../src/http/in-flight-limit.js';
import { onTickEnd } from '../../src/runtime/tick-batch.js';

/** Refused requests, as during a flood. */
const requests = (count: number) => {
  const limit = new InFlightLimit(0);
  for (let n = 0; n < count; n += 1) limit.acquire({} as ServerResponse);
};

describe('onTickEnd', () => {
  it('calls back at the end of the turn, and for callbacks added meanwhile at the end of the next one', async () => {
    const seen: string[] = [];
    await new Promise(setImmediate);
    onTickEnd(() => {
      seen.push('first');
      onTickEnd(() => seen.push('of the next turn'));
    });
    onTickEnd(() => seen.push('second'));
    await Promise.resolve();
    expect(seen).toEqual([]);
    await new Promise(setImmediate);
    expect(seen).toEqual(['first', 'second']);
    await new Promise(setImmediate);
    expect(seen).toEqual(['first', 'second', 'of the next turn']);
  });

  it('calls back early during a flood of requests', async () => {
    let calls = 0;
    const again = () => {
      calls += 1;
      if (calls < 3) onTickEnd(again);
    };
    await new Promise(setImmediate);
    onTickEnd(again);
    requests(255);
    expect(calls).toBe(0);
    requests(1);
    expect(calls).toBe(1);
    requests(2 * 256);
    expect(calls).toBe(3);
  });
});
