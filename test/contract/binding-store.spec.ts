// What the bindings of every store must do, whatever it is made of.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { id } from './arrivals.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

describe.each(storesUnderTest())('the bindings on %s', (_, open) => {
  let opened: OpenStorage;
  let laterMs: number;
  beforeEach(async () => {
    opened = await open();
    laterMs = Date.now() + 3_600_000;
  });
  afterEach(() => opened.discard());

  const bind = (ref: string, name: string, untilMs = laterMs) => opened.storage.bindings.bind(ref, id(name), untilMs);

  it('are of the subject that came first, whoever asks later', async () => {
    expect(await bind('ref', 'first')).toBe('first');
    expect(await bind('ref', 'second')).toBe('first');
    expect(await bind('ref', 'first')).toBe('first');
  });

  it('are of one subject only, however many come at once', async () => {
    const bound = await Promise.all(Array.from({ length: 20 }, (_unused, n) => bind('ref', `p${n}`)));
    expect(new Set(bound).size).toBe(1);
    expect(await bind('ref', 'late')).toBe(bound[0]);
  });

  it('are of each reference by itself', async () => {
    const refs = Array.from({ length: 30 }, () => randomUUID());
    for (const ref of refs) expect(await bind(ref, `of ${ref}`)).toBe(`of ${ref}`);
    for (const ref of refs) expect(await bind(ref, 'another')).toBe(`of ${ref}`);
  });

  it('are dropped once their time has passed, and no others', async () => {
    await bind('lasting', 'first');
    await bind('brief', 'first', Date.now() + 1);
    await eventually(async () => {
      // SQLite drops them when it stores another one.
      await bind(randomUUID(), 'anybody');
      expect(await bind('brief', 'second')).toBe('second');
    });
    expect(await bind('lasting', 'second')).toBe('first');
  });

  it('are not what commits write', async () => {
    const before = await opened.storage.feed.end();
    await bind('ref', 'first');
    expect(await opened.storage.records.load([id('first'), id('ref')])).toEqual([null, null]);
    expect(await opened.storage.records.size()).toBe(0);
    expect(await opened.storage.feed.end()).toEqual(before);
  });
});
