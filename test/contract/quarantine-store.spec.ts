// The contract for the quarantine of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SourceName } from '../../src/domain/subject.js';
import type { QuarantinedCallback, QuarantineEntry, QuarantineFilter } from '../../src/storage/ports.js';
import { newTimedId, type TimedId } from '../../src/storage/timed-id.js';
import { lengthOf } from '../length.js';
import { quarantined } from './quarantined.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const NO_LIMITS = { maxCount: 1e6, maxBytes: 1e9, oldestMs: 0 };

const withoutBody = ({ body: _, ...entry }: QuarantinedCallback): QuarantineEntry => entry;
const idsOf = (entries: readonly QuarantineEntry[]) => entries.map(({ id }) => id);
const newestFirst = (callbacks: readonly QuarantinedCallback[]) =>
  callbacks.toSorted((a, b) => (a.id < b.id ? 1 : -1)).map(withoutBody);

describe.each(storesUnderTest())('the quarantine store on %s', (_, open) => {
  let opened: OpenStorage;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.discard());

  const store = () => opened.storage.quarantine;
  const all = (filter: QuarantineFilter = {}) => store().page(filter, null, 10_000);
  const arrivals = (count: number, parts: Parameters<typeof quarantined>[0] = {}) =>
    Array.from({ length: count }, (_unused, n) => quarantined({ receivedAtMs: 1_000 + n, ...parts }));

  it('is empty at first', async () => {
    expect(await all()).toEqual([]);
    expect(await store().size()).toBe(0);
    expect(await store().get(newTimedId(1))).toBeNull();
    expect(await store().remove([newTimedId(1)])).toBe(0);
    expect(await store().remove([])).toBe(0);
    expect(await store().trim(NO_LIMITS)).toBe(false);
  });

  it('keeps every byte of a body, and everything else that was added', async () => {
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_unused, byte) => byte));
    const callbacks = [
      quarantined({ body: everyByte, context: '{"ref":"\\u0000 ü"}', contentType: 'application/json; charset="ü"' }),
      quarantined({ body: Buffer.alloc(0), reason: 'malformed-body' }),
      quarantined({ body: Buffer.alloc(65_536, 'é'), source: 'livekit-eu' }),
    ];
    await store().add(callbacks);
    for (const callback of callbacks) expect(await store().get(callback.id)).toEqual(callback);
    expect(await all()).toEqual(newestFirst(callbacks));
    expect(await store().size()).toBe(3);
  });

  it('keeps a callback once, even if it is added again', async () => {
    const callback = quarantined();
    await store().add([callback]);
    await store().add([callback, quarantined({ receivedAtMs: 5 })]);
    expect(await store().size()).toBe(2);
    expect(await store().get(callback.id)).toEqual(callback);
  });

  it('has pages from the newest to the oldest, which neither miss nor repeat one', async () => {
    const callbacks = [...arrivals(7), ...arrivals(5)];
    await store().add(callbacks);
    const seen: QuarantineEntry[] = [];
    for (let before: TimedId | null = null; ; ) {
      const page = await store().page({}, before, 5);
      seen.push(...page);
      const last = page.at(-1);
      if (!last) break;
      before = last.id;
      // Newer ones do not move those that follow.
      await store().add([quarantined({ receivedAtMs: 9_000 + seen.length })]);
    }
    expect(seen).toEqual(newestFirst(callbacks));
  });

  it('finds those that match a filter, in any combination', async () => {
    const sources = ['bandwidth', 'livekit-eu'] as const;
    const reasons = ['unknown-event', 'malformed-body'] as const;
    const callbacks = Array.from({ length: 40 }, (_unused, n) =>
      quarantined({ source: sources[n % 2] ?? '', reason: reasons[(n >> 1) % 2] ?? '', receivedAtMs: 100 + (n % 10) }),
    );
    await store().add(callbacks);
    const option = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
    const filters = fc.record({
      source: option(...sources, 'nobody').map((name) => name as SourceName | undefined),
      reason: option(...reasons, 'none'),
      sinceMs: option(0, 103, 110),
      untilMs: option(0, 107, 1e15),
    });
    const starts = fc.constantFrom(null, ...callbacks.map(({ id }) => id));
    await fc.assert(
      fc.asyncProperty(filters, starts, fc.integer({ min: 1, max: 45 }), async (filter, before, limit) => {
        const { source, reason, sinceMs = 0, untilMs = Number.POSITIVE_INFINITY } = filter;
        const matching = callbacks.filter(
          (one) =>
            (source === undefined || one.source === source) &&
            (reason === undefined || one.reason === reason) &&
            one.receivedAtMs >= sinceMs &&
            one.receivedAtMs < untilMs &&
            (before === null || one.id < before),
        );
        expect(await store().page(filter, before, limit)).toEqual(newestFirst(matching).slice(0, limit));
      }),
      { numRuns: lengthOf(60, 1_000) },
    );
  });

  it('finds the few that match among thousands', async () => {
    const rare = [
      quarantined({ reason: 'rare', receivedAtMs: 1 }),
      quarantined({ reason: 'rare', receivedAtMs: 2_000 }),
    ];
    await store().add([...rare, ...arrivals(2_500)]);
    expect(await all({ reason: 'rare' })).toEqual(newestFirst(rare));
    expect(await all({ reason: 'rare', untilMs: 2 })).toEqual(newestFirst(rare.slice(0, 1)));
  });

  it('removes the named ones, and no others', async () => {
    const callbacks = arrivals(5);
    await store().add(callbacks);
    const [first, second, ...others] = callbacks as [
      QuarantinedCallback,
      QuarantinedCallback,
      ...QuarantinedCallback[],
    ];
    expect(await store().remove([first.id, second.id, newTimedId(1_000)])).toBe(2);
    expect(await store().remove([first.id])).toBe(0);
    expect(await all()).toEqual(newestFirst(others));
    expect(await store().get(first.id)).toBeNull();
    expect(await store().size()).toBe(3);
  });

  it('counts a callback as removed once, however many remove it at the same time', async () => {
    const callbacks = arrivals(20);
    await store().add(callbacks);
    const removed = await Promise.all(Array.from({ length: 5 }, () => store().remove(idsOf(callbacks))));
    expect(removed.reduce((total, count) => total + count, 0)).toBe(20);
  });

  it('drops the oldest beyond the maximum number', async () => {
    const callbacks = arrivals(10);
    await store().add(callbacks);
    expect(await store().trim({ ...NO_LIMITS, maxCount: 10 })).toBe(false);
    expect(await store().size()).toBe(10);
    expect(await store().trim({ ...NO_LIMITS, maxCount: 4 })).toBe(false);
    expect(await all()).toEqual(newestFirst(callbacks.slice(6)));
    await store().trim({ ...NO_LIMITS, maxCount: 0 });
    expect(await all()).toEqual([]);
  });

  it('drops the oldest beyond the maximum size', async () => {
    const callbacks = arrivals(10, { body: Buffer.alloc(100) });
    await store().add(callbacks);
    await store().trim({ ...NO_LIMITS, maxBytes: 1_000 });
    expect(await store().size()).toBe(10);
    await store().trim({ ...NO_LIMITS, maxBytes: 399 });
    expect(await all()).toEqual(newestFirst(callbacks.slice(7)));
    expect(await store().get(callbacks[0]?.id as TimedId)).toBeNull();
  });

  it('drops those that are too old', async () => {
    const callbacks = arrivals(10);
    await store().add(callbacks);
    await store().trim({ ...NO_LIMITS, oldestMs: 1_000 });
    expect(await store().size()).toBe(10);
    await store().trim({ ...NO_LIMITS, oldestMs: 1_007 });
    expect(await all()).toEqual(newestFirst(callbacks.slice(7)));
  });

  it('drops many in several calls, and says when there are no more', async () => {
    await store().add(arrivals(1_700));
    let calls = 1;
    while (await store().trim({ ...NO_LIMITS, maxCount: 100 })) calls += 1;
    expect(calls).toBeGreaterThan(2);
    expect(await store().size()).toBe(100);
  });

  it('does not affect records or the feed', async () => {
    const before = await opened.storage.feed.end();
    await store().add(arrivals(3));
    expect(await opened.storage.records.size()).toBe(0);
    expect(await opened.storage.index.sources()).toEqual([]);
    expect(await opened.storage.feed.end()).toEqual(before);
  });
});
