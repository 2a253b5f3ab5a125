// The contract for the records of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Changeset, Storage } from '../../src/storage/ports.js';
import { arrival, keyNamed, keysOf, stored } from './arrivals.js';
import { entriesAfter } from './feed.js';
import { NONE_KNOWN, tagged } from './index-entry.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

describe.each(storesUnderTest())('the record store on %s', (_, open) => {
  let opened: OpenStorage;
  let storage: Storage;
  beforeEach(async () => {
    opened = await open();
    storage = opened.storage;
  });
  afterEach(() => opened.discard());

  const feed = async () => (await entriesAfter(storage.feed, opened.startPosition)).map(({ changes }) => changes);

  describe('size', () => {
    const forget = (name: string): Changeset => {
      return { key: keyNamed(name), before: stored(`${name} 1`), after: null, changes: null };
    };

    it('counts all stored records, including those of gone participants', async () => {
      await storage.records.commit([
        arrival('a'),
        arrival('b', { state: 'gone', devices: 0 }),
        arrival('c', { tag: 'red' }),
      ]);
      expect(await storage.records.size()).toBe(3);
      await storage.records.commit([arrival('d'), forget('a')]);
      expect(await storage.records.size()).toBe(3);
      await storage.records.commit([forget('b'), forget('c'), forget('d')]);
      expect(await storage.records.size()).toBe(0);
    });

    it('does not count commits with a conflict, or an update of a stored record', async () => {
      expect(await storage.records.size()).toBe(0);
      await storage.records.commit([arrival('a')]);
      expect(await storage.records.commit([arrival('a'), forget('b')])).toEqual(['conflict', 'conflict']);
      const update: Changeset = { key: keyNamed('a'), before: stored('a 1'), after: stored('a 2'), changes: null };
      expect(await storage.records.commit([update])).toEqual(['done']);
      expect(await storage.records.size()).toBe(1);
    });
  });

  describe('commit', () => {
    it('stores records, which load returns in the requested order', async () => {
      expect(await storage.records.commit([arrival('a'), arrival('b')])).toEqual(['done', 'done']);
      expect(await storage.records.load([keyNamed('b'), keyNamed('nobody'), keyNamed('a')])).toEqual([
        'b 1',
        null,
        'a 1',
      ]);
      expect(await storage.records.load([])).toEqual([]);
    });

    it('lets one of two concurrent writers win and writes nothing for the other', async () => {
      const outcomes = await Promise.all([
        storage.records.commit([arrival('a', { tag: 'first' }, 'change 1')]),
        storage.records.commit([
          arrival('a', { tag: 'second', state: 'gone' }, 'change 2'),
          arrival('b', {}, 'change 3'),
        ]),
      ]);
      expect(outcomes).toEqual([['done'], ['conflict', 'done']]);
      expect(await storage.records.load([keyNamed('a'), keyNamed('b')])).toEqual(['a 1', 'b 1']);
      expect((await storage.index.tags(undefined, null, 10)).items.map(({ tag }) => tag)).toEqual(['first']);
      expect(keysOf((await storage.index.page({ states: ['gone'] }, null, 10)).items)).toEqual([]);
      expect((await feed()).sort()).toEqual(['change 1', 'change 3']);
    });

    it('rejects an update or removal of a record that has changed since it was loaded', async () => {
      const first = arrival('a');
      const second = { ...first, before: first.after, after: stored('a 2', { state: 'reconnecting' }) };
      expect(await storage.records.commit([first])).toEqual(['done']);
      expect(await storage.records.commit([second])).toEqual(['done']);
      expect(await storage.records.commit([second])).toEqual(['conflict']);
      expect(await storage.records.commit([{ ...second, after: null }])).toEqual(['conflict']);
      expect(await storage.records.load([keyNamed('a')])).toEqual(['a 2']);
    });

    it('removes a participant with all its index entries', async () => {
      const { key, after } = arrival('a', { tag: 'red', devices: 3 });
      await storage.records.commit([{ key, before: null, after, changes: null }]);
      expect(await storage.records.commit([{ key, before: after, after: null, changes: 'gone' }])).toEqual(['done']);
      expect(await storage.records.load([key])).toEqual([null]);
      const everybody = { states: ['connected', 'reconnecting', 'gone'] } as const;
      expect((await storage.index.page(everybody, null, 10)).items).toEqual([]);
      expect(await storage.index.occupancy({})).toEqual({ connected: 0, reconnecting: 0, devices: 0, ...NONE_KNOWN });
      expect(await storage.index.occupancy({ group: tagged('red') })).toEqual({
        connected: 0,
        reconnecting: 0,
        devices: 0,
        ...NONE_KNOWN,
      });
      expect((await storage.index.tags(undefined, null, 10)).items).toEqual([]);
      expect(await storage.records.claimDue({ nowMs: 9e12, untilMs: 9e12, limit: 10 })).toEqual({
        keys: [],
        nextDueMs: null,
      });
      expect(await feed()).toEqual(['gone']);
    });
  });

  describe('claimDue', () => {
    const claim = (nowMs: number, untilMs: number, limit = 100, { records }: Storage = storage) =>
      records.claimDue({ nowMs, untilMs, limit });
    /** Enough for several in each shard. */
    const names = Array.from({ length: 200 }, (_unused, n) => `p${n}`);

    it('returns past deadlines, earliest first, and the next deadline', async () => {
      const times = [5_000, 1_000, 3_000, 2_000, 4_000];
      await storage.records.commit(times.map((dueMs) => arrival(`at${dueMs}`, { dueMs })));
      expect(await claim(999, 6_000)).toEqual({ keys: [], nextDueMs: 1_000 });
      expect(await claim(3_000, 6_000)).toEqual({ keys: ['at1000', 'at2000', 'at3000'], nextDueMs: 4_000 });
    });

    it('returns about as many as the limit, and when there are more, a deadline that has passed', async () => {
      await storage.records.commit(names.map((name) => arrival(name, { dueMs: 1_000 })));
      const { keys, nextDueMs } = await claim(1_000, 6_000, 32);
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.length).toBeLessThanOrEqual(32);
      expect(nextDueMs).toBe(1_000);
    });

    it('gives each participant to one of several processes, until the claim ends', async () => {
      const others = opened.another ? [opened.another(), opened.another()] : [];
      await storage.records.commit(names.map((name) => arrival(name, { dueMs: 1_000 })));
      const claimed = new Set<string>();
      for (const process of [...others, storage]) {
        const { keys } = await claim(1_000, 6_000, 64, process);
        expect(keys.length).toBeGreaterThan(0);
        expect(keys.filter((key) => claimed.has(key))).toEqual([]);
        for (const key of keys) claimed.add(key);
      }
      if (others.length > 0) {
        const { keys } = await claim(5_999, 9_000, 4_000);
        for (const key of keys) claimed.add(key);
        expect(keys.length).toBeGreaterThan(0);
        expect([...claimed].sort()).toEqual([...names].sort());
        expect(await claim(5_999, 9_000)).toEqual({ keys: [], nextDueMs: 6_000 });
      }
      const { keys } = await claim(9_000, 12_000, 4_000);
      expect([...keys].sort()).toEqual([...names].sort());
    });

    it('is over with a commit that sets another deadline', async () => {
      const { key, after } = arrival('a', { dueMs: 1_000 });
      await storage.records.commit([{ key, before: null, after, changes: null }]);
      expect((await claim(1_000, 6_000)).keys).toEqual([key]);
      const later = stored('a 2', { dueMs: 2_000 });
      expect(await storage.records.commit([{ key, before: after, after: later, changes: null }])).toEqual(['done']);
      expect(await claim(1_999, 6_000)).toEqual({ keys: [], nextDueMs: 2_000 });
      expect((await claim(2_000, 6_000)).keys).toEqual([key]);
    });

    it('gives one participant to one of many that ask at the same time', async () => {
      const askers = opened.another ? [storage, opened.another(), opened.another()] : [storage];
      await storage.records.commit(names.map((name) => arrival(name, { dueMs: 1_000 })));
      const claims = await Promise.all(askers.map((asker) => claim(1_000, 6_000, 4_000, asker)));
      expect(claims.flatMap(({ keys }) => keys).sort()).toEqual([...names].sort());
    });
  });

  it('passes its health check', async () => {
    await expect(storage.check()).resolves.toBeUndefined();
  });
});
