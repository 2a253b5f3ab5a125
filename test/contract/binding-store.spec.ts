// The contract for the bindings of every store.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Binding, BindingCursor, BindingPage } from '../../src/storage/ports.js';
import { eventually } from '../eventually.js';
import { keyNamed } from './arrivals.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

describe.each(storesUnderTest())('the binding store on %s', (_, open) => {
  let opened: OpenStorage;
  let laterMs: number;
  beforeEach(async () => {
    opened = await open();
    laterMs = Date.now() + 3_600_000;
  });
  afterEach(() => opened.discard());

  const bind = (ref: string, name: string, untilMs = laterMs) =>
    opened.storage.bindings.bind(ref, keyNamed(name), untilMs);

  it('binds a reference to the first subject and keeps that binding', async () => {
    expect(await bind('ref', 'first')).toBe('first');
    expect(await bind('ref', 'second')).toBe('first');
    expect(await bind('ref', 'first')).toBe('first');
  });

  it('binds a reference to only one of many concurrent subjects', async () => {
    const bound = await Promise.all(Array.from({ length: 20 }, (_unused, n) => bind('ref', `p${n}`)));
    expect(new Set(bound).size).toBe(1);
    expect(await bind('ref', 'late')).toBe(bound[0]);
  });

  it('keeps the bindings of different references apart', async () => {
    const refs = Array.from({ length: 30 }, () => randomUUID());
    for (const ref of refs) expect(await bind(ref, `of ${ref}`)).toBe(`of ${ref}`);
    for (const ref of refs) expect(await bind(ref, 'another')).toBe(`of ${ref}`);
  });

  it('finds a binding, and makes none', async () => {
    expect(await opened.storage.bindings.find('ref')).toBeNull();
    await bind('ref', 'first');
    expect(await opened.storage.bindings.find('ref')).toBe('first');
    expect(await opened.storage.bindings.find('another')).toBeNull();
  });

  it('drops a binding after it expires, and no others', async () => {
    await bind('lasting', 'first');
    await bind('brief', 'first', Date.now() + 1);
    await eventually(async () => {
      // SQLite drops expired bindings when it stores a new one.
      await bind(randomUUID(), 'anybody');
      expect(await bind('brief', 'second')).toBe('second');
    });
    expect(await bind('lasting', 'second')).toBe('first');
  });

  it('lists each binding once, page by page, by when it ends', async () => {
    const refs = Array.from({ length: 30 }, (_unused, n) => ({ ref: `ref ${n}`, untilMs: laterMs + (n % 3) }));
    for (const { ref, untilMs } of refs) await bind(ref, `of ${ref}`, untilMs);
    await bind('ref 7', 'another', laterMs + 9);
    const listed: Binding[] = [];
    for (let after: BindingCursor | null = null, pages = 0; after !== null || pages === 0; pages += 1) {
      const page: BindingPage = await opened.storage.bindings.page(after, 4);
      expect(page.items.length).toBeLessThanOrEqual(4);
      listed.push(...page.items);
      after = page.next;
    }
    const order = refs.toSorted((a, b) => a.untilMs - b.untilMs || (a.ref < b.ref ? -1 : 1));
    expect(listed).toEqual(order.map(({ ref, untilMs }) => ({ ref, key: `of ${ref}`, untilMs })));
  });

  it('does not list a binding that has expired, nor one of a health check', async () => {
    await bind('lasting', 'first');
    await bind('brief', 'first', Date.now() + 1);
    await opened.storage.check();
    await eventually(async () => {
      const { items, next } = await opened.storage.bindings.page(null, 10);
      expect([items.map(({ ref }) => ref), next]).toEqual([['lasting'], null]);
    });
  });

  it('does not affect records or the feed', async () => {
    const before = await opened.storage.feed.end();
    await bind('ref', 'first');
    expect(await opened.storage.records.load([keyNamed('first'), keyNamed('ref')])).toEqual([null, null]);
    expect(await opened.storage.records.size()).toBe(0);
    expect(await opened.storage.feed.end()).toEqual(before);
  });
});
