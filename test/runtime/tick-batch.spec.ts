import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { InFlightLimit } from '../../src/http/in-flight-limit.js';
import { onTickEnd } from '../../src/runtime/tick-batch.js';

/** Refused ones, as in a flood. */
const requests = (count: number) => {
  const limit = new InFlightLimit(0);
  for (let n = 0; n < count; n += 1) limit.acquire({} as ServerResponse);
};

describe("a turn's end", () => {
  it('is when all that came in together is there, and comes again for what is given during it', async () => {
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

  it('does not wait for requests to end that never do', async () => {
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
