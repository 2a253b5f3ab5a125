import { describe, expect, it } from '@jest/globals';
import { LargeReads } from '../../src/http/large-reads.js';
import { ProblemError } from '../../src/http/problem.js';

describe('large reads', () => {
  /** Reads that end when told to. */
  function begin(reads: LargeReads, items: number) {
    const read = { hasBegun: false, end: () => {}, done: Promise.resolve('') };
    read.done = reads.run(items, () => {
      read.hasBegun = true;
      return new Promise<string>((resolve, reject) => {
        read.end = () => (items === 666 ? reject(new Error('failed')) : resolve('read'));
      });
    });
    return read;
  }

  it('run two at a time, in order, also after one has failed', async () => {
    const reads = new LargeReads();
    const all = [666, 1_000, 1_000, 1_000].map((items) => begin(reads, items));
    const begun = () => all.map(({ hasBegun }) => hasBegun);
    expect(begun()).toEqual([true, true, false, false]);
    all[0]?.end();
    await expect(all[0]?.done).rejects.toThrow('failed');
    await Promise.resolve();
    expect(begun()).toEqual([true, true, true, false]);
    all[2]?.end();
    await all[2]?.done;
    await Promise.resolve();
    expect(begun()).toEqual([true, true, true, true]);
    for (const { end } of all) end();
    await Promise.all([all[1]?.done, all[3]?.done]);
    const [one, two, three] = [begin(reads, 200), begin(reads, 200), begin(reads, 200)];
    expect([one.hasBegun, two.hasBegun, three.hasBegun]).toEqual([true, true, false]);
  });

  it('keep no small one waiting', async () => {
    const reads = new LargeReads();
    for (let n = 0; n < 5; n += 1) begin(reads, 1_000);
    expect(begin(reads, 128).hasBegun).toBe(true);
  });

  it('are refused when 200 wait', async () => {
    const reads = new LargeReads();
    for (let n = 0; n < 202; n += 1) begin(reads, 1_000);
    await expect(begin(reads, 1_000).done).rejects.toBeInstanceOf(ProblemError);
  });
});
