import { describe, expect, it } from '@jest/globals';
import { MinuteCounter } from '../../src/auth/minute-counter.js';

const START_MS = 1_790_000_000_000;

describe('MinuteCounter', () => {
  it('resets the count of a name a minute after its first increment', () => {
    const counts = new MinuteCounter();
    expect(counts.add('a', START_MS)).toEqual({ count: 1, resetS: 60 });
    expect(counts.add('a', START_MS + 59_001)).toEqual({ count: 2, resetS: 1 });
    expect(counts.add('b', START_MS + 59_001)).toEqual({ count: 1, resetS: 60 });
    expect(counts.add('a', START_MS + 60_000)).toEqual({ count: 1, resetS: 60 });
    expect(counts.add('b', START_MS + 60_000)).toEqual({ count: 2, resetS: 60 });
  });

  it('keeps 10,000 names and evicts the one whose minute started first', () => {
    const counts = new MinuteCounter();
    for (let n = 0; n < 10_000; n += 1) counts.add(`${n}`, START_MS);
    expect(counts.add('0', START_MS).count).toBe(2);
    counts.add('one more', START_MS);
    expect(counts.add('1', START_MS).count).toBe(2);
    expect(counts.add('0', START_MS).count).toBe(1);
  });
});
