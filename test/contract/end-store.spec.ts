// The contract for the ends without a participant of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EndCursor, type EndPage, MAX_ENDS_PER_TARGET } from '../../src/storage/ports.js';
import { eventually } from '../eventually.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

describe.each(storesUnderTest())('the end store on %s', (_, open) => {
  let opened: OpenStorage;
  let laterMs: number;
  beforeEach(async () => {
    opened = await open();
    laterMs = Date.now() + 3_600_000;
  });
  afterEach(() => opened.discard());

  const end = (text: string, receivedAtMs: number) => ({ text, receivedAtMs });
  const add = (target: string, text: string, receivedAtMs: number, untilMs = laterMs) =>
    opened.storage.ends.add(target, end(text, receivedAtMs), untilMs);

  it('lists the ends of a target in the order of receipt, each once, as first received', async () => {
    await add('room', '{"at":2}', 20);
    await add('room', '{"at":1}', 10);
    await add('room', '{"at":2}', 30);
    await add('another room', '{"at":3}', 5);
    expect(await opened.storage.ends.list('room')).toEqual([end('{"at":1}', 10), end('{"at":2}', 20)]);
    expect(await opened.storage.ends.list('empty room')).toEqual([]);
  });

  it('has ends pending until they are settled, the oldest first, also if they are added again', async () => {
    const { ends } = opened.storage;
    for (const n of [3, 1, 2]) await add(`room ${n}`, `end ${n}`, n);
    const pending = (n: number) => ({ target: `room ${n}`, ...end(`end ${n}`, n) });
    expect(await ends.pending(2)).toEqual([pending(1), pending(2)]);
    await ends.settle('room 1', 'end 1');
    await ends.settle('room 9', 'end 9');
    expect(await ends.pending(10)).toEqual([pending(2), pending(3)]);
    expect(await ends.list('room 1')).toHaveLength(1);
    await add('room 1', 'end 1', 50);
    expect((await ends.pending(10)).map(({ target }) => target).sort()).toEqual(['room 1', 'room 2', 'room 3']);
  });

  it('lists all ends page by page, by their expiry, each once, whether or not they are settled', async () => {
    const { ends } = opened.storage;
    for (const [n, target] of ['b', 'a', 'c', 'ü', 'a'].entries()) await add(target, `end ${n}`, n, laterMs + (n % 2));
    await ends.settle('a', 'end 1');
    await add('c', 'end 2', 9, laterMs + 5);
    const all: string[] = [];
    for (let after: EndCursor | null = null; ; ) {
      const page: EndPage = await ends.page(after, 2);
      all.push(...page.items.map((one) => `${one.target} ${one.text} ${one.receivedAtMs} ${one.untilMs - laterMs}`));
      after = page.next;
      if (!after) break;
    }
    expect(all).toEqual(['a end 4 4 0', 'b end 0 0 0', 'a end 1 1 1', 'ü end 3 3 1', 'c end 2 2 5']);
  });

  it('lists no end that is not kept', async () => {
    await add('brief', 'end', 1, Date.now() + 1);
    await opened.storage.ends.settle('brief', 'end');
    for (let n = 0; n <= MAX_ENDS_PER_TARGET; n += 1) {
      await add('room', `end ${n}`, n);
      await opened.storage.ends.settle('room', `end ${n}`);
    }
    await eventually(async () => {
      const { items } = await opened.storage.ends.page(null, 100);
      expect(new Set(items.map(({ text }) => text))).toEqual(
        new Set(Array.from({ length: MAX_ENDS_PER_TARGET }, (_unused, n) => `end ${n + 1}`)),
      );
    });
  });

  it('keeps a bounded number of settled ends for each target, those that were received last', async () => {
    for (let n = 1; n <= MAX_ENDS_PER_TARGET + 5; n += 1) {
      await add('room', `end ${n}`, n);
      await opened.storage.ends.settle('room', `end ${n}`);
    }
    const texts = (await opened.storage.ends.list('room')).map(({ text }) => text);
    expect(texts).toEqual(Array.from({ length: MAX_ENDS_PER_TARGET }, (_unused, n) => `end ${n + 6}`));
  });

  it('drops ends after they expire, but none that is pending', async () => {
    await add('lasting', 'end', 1);
    await add('brief', 'end', 2, Date.now() + 1);
    await opened.storage.ends.settle('lasting', 'end');
    await add('another', 'end', 3);
    expect((await opened.storage.ends.pending(10)).map(({ target }) => target)).toEqual(['brief', 'another']);
    await opened.storage.ends.settle('brief', 'end');
    await eventually(async () => {
      // SQLite drops expired ends when it stores a new one.
      await add('another', 'end', 3);
      expect(await opened.storage.ends.list('brief')).toEqual([]);
    });
    expect(await opened.storage.ends.list('lasting')).toHaveLength(1);
  });
});
