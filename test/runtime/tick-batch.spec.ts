import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { RequestGate } from '../../src/http/request-gate.js';
import { atTurnsEnd } from '../../src/runtime/tick-batch.js';

/** Refused ones, as in a flood. */
const requests = (count: number) => {
  const gate = new RequestGate(0);
  for (let n = 0; n < count; n += 1) gate.enter({} as ServerResponse);
};

describe("a turn's end", () => {
  it('is when all that came in together is there, and comes again for what is given during it', async () => {
    const seen: string[] = [];
    await new Promise(setImmediate);
    atTurnsEnd(() => {
      seen.push('first');
      atTurnsEnd(() => seen.push('of the next turn'));
    });
    atTurnsEnd(() => seen.push('second'));
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
      if (calls < 3) atTurnsEnd(again);
    };
    await new Promise(setImmediate);
    atTurnsEnd(again);
    requests(255);
    expect(calls).toBe(0);
    requests(1);
    expect(calls).toBe(1);
    requests(2 * 256);
    expect(calls).toBe(3);
  });
});
