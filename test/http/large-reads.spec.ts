import { describe, expect, it } from '@jest/globals';
import { LargeReads } from '../../src/http/large-reads.js';
import { ProblemError } from '../../src/http/problem.js';
import { eventually } from '../eventually.js';

describe('large reads', () => {
  /** Starts a read that ends when `end` is called. */
  function begin(reads: LargeReads, items: number) {
    const read = { hasBegun: false, end: () => {}, done: Promise.resolve('') };
    read.done = reads.run(items, () => {
      read.hasBegun = true;
      return new Promise<string>((resolve) => {
        read.end = () => resolve('read');
      });
    });
    return read;
  }

  it('run one at a time', async () => {
    const reads = new LargeReads(() => false);
    const [first, second] = [begin(reads, 1_000), begin(reads, 1_000)];
    expect([first.hasBegun, second.hasBegun]).toEqual([true, false]);
    first.end();
    await eventually(() => expect(second.hasBegun).toBe(true));
    second.end();
    expect(await Promise.all([first.done, second.done])).toEqual(['read', 'read']);
  });

  it('do not delay small reads', async () => {
    const reads = new LargeReads(() => false);
    for (let n = 0; n < 5; n += 1) begin(reads, 1_000);
    expect(begin(reads, 128).hasBegun).toBe(true);
  });

  it('are refused when 200 are already waiting', async () => {
    const reads = new LargeReads(() => false);
    for (let n = 0; n < 201; n += 1) begin(reads, 1_000);
    await expect(begin(reads, 1_000).done).rejects.toBeInstanceOf(ProblemError);
  });
});
