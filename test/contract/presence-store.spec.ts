// What every store must do, whatever it is made of.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { compareBytes } from '../../src/storage/page-order.js';
import type { Changeset, PageCursor, PageFilter, PresenceStore } from '../../src/storage/ports.js';
import { entriesAfter } from './feed.js';
import { type IndexParts, indexOf, tagged } from './index-entry.js';
import { type OpenStore, storesUnderTest } from './stores.js';

const id = (name: string) => name as SubjectKey;

/** A participant as a store sees it; the text stands for its record. */
function stored(text: string, index: IndexParts = {}) {
  return {
    record: text,
    index: indexOf({ sinceMs: 1_000, dueMs: 9_000, ...index }),
  };
}

function arrival(name: string, index: IndexParts = {}, changes: string | null = null): Changeset {
  return { key: id(name), before: null, after: stored(`${name} 1`, index), changes };
}

const idsOf = (items: readonly PageCursor[]) => items.map(({ key }) => key);

async function everybody(store: PresenceStore, filter: PageFilter, limit: number): Promise<SubjectKey[]> {
  const ids: SubjectKey[] = [];
  for (let after: PageCursor | null = null; ; ) {
    const { items } = await store.page(filter, after, limit);
    ids.push(...idsOf(items));
    if (items.length < limit) return ids;
    after = items.at(-1) as PageCursor;
  }
}

const CONNECTED: PageFilter = { states: ['connected'] };
const ODD_TAGS = ['a:connected', '{1}', '*', 'línea\nnueva', 'bell\u0007', '😀', 'x'.repeat(1_024)];

describe.each(storesUnderTest())('%s', (_, open) => {
  let opened: OpenStore;
  let store: PresenceStore;
  beforeEach(async () => {
    opened = await open();
    store = opened.store;
  });
  afterEach(() => opened.discard());

  const feed = async () => (await entriesAfter(store, opened.beginning)).map(({ changes }) => changes);

  describe('size', () => {
    const forget = (name: string): Changeset => {
      return { key: id(name), before: stored(`${name} 1`), after: null, changes: null };
    };

    it('is how many are stored, gone ones included, from whenever it is asked', async () => {
      await store.commit([arrival('a'), arrival('b', { state: 'gone', devices: 0 }), arrival('c', { tag: 'red' })]);
      expect(await store.size()).toBe(3);
      await store.commit([arrival('d'), forget('a')]);
      expect(await store.size()).toBe(3);
      await store.commit([forget('b'), forget('c'), forget('d')]);
      expect(await store.size()).toBe(0);
    });

    it('counts nothing that was not done, and nobody twice', async () => {
      expect(await store.size()).toBe(0);
      await store.commit([arrival('a')]);
      expect(await store.commit([arrival('a'), forget('b')])).toEqual(['conflict', 'conflict']);
      const update: Changeset = { key: id('a'), before: stored('a 1'), after: stored('a 2'), changes: null };
      expect(await store.commit([update])).toEqual(['done']);
      expect(await store.size()).toBe(1);
    });
  });

  describe('commit', () => {
    it('stores what load then finds, in the order asked', async () => {
      expect(await store.commit([arrival('a'), arrival('b')])).toEqual(['done', 'done']);
      expect(await store.load([id('b'), id('nobody'), id('a')])).toEqual(['b 1', null, 'a 1']);
      expect(await store.load([])).toEqual([]);
    });

    it('lets one of two concurrent writers win, and does nothing at all for the other', async () => {
      const outcomes = await Promise.all([
        store.commit([arrival('a', { tag: 'first' }, 'change 1')]),
        store.commit([arrival('a', { tag: 'second', state: 'gone' }, 'change 2'), arrival('b', {}, 'change 3')]),
      ]);
      expect(outcomes).toEqual([['done'], ['conflict', 'done']]);
      expect(await store.load([id('a'), id('b')])).toEqual(['a 1', 'b 1']);
      expect((await store.tags(undefined, null, 10)).items.map(({ tag }) => tag)).toEqual(['first']);
      expect(idsOf((await store.page({ states: ['gone'] }, null, 10)).items)).toEqual([]);
      expect((await feed()).sort()).toEqual(['change 1', 'change 3']);
    });

    it('refuses to change or forget what was changed since it was loaded', async () => {
      const first = arrival('a');
      const second = { ...first, before: first.after, after: stored('a 2', { state: 'reconnecting' }) };
      expect(await store.commit([first])).toEqual(['done']);
      expect(await store.commit([second])).toEqual(['done']);
      expect(await store.commit([second])).toEqual(['conflict']);
      expect(await store.commit([{ ...second, after: null }])).toEqual(['conflict']);
      expect(await store.load([id('a')])).toEqual(['a 2']);
    });

    it('forgets a participant with all its index entries', async () => {
      const { key, after } = arrival('a', { tag: 'red', devices: 3 });
      await store.commit([{ key, before: null, after, changes: null }]);
      expect(await store.commit([{ key, before: after, after: null, changes: 'gone' }])).toEqual(['done']);
      expect(await store.load([key])).toEqual([null]);
      expect(await everybody(store, { states: ['connected', 'reconnecting', 'gone'] }, 10)).toEqual([]);
      expect(await store.occupancy({})).toEqual({ connected: 0, reconnecting: 0, devices: 0 });
      expect(await store.occupancy({ group: tagged('red') })).toEqual({ connected: 0, reconnecting: 0, devices: 0 });
      expect((await store.tags(undefined, null, 10)).items).toEqual([]);
      expect(await store.due(Number.MAX_SAFE_INTEGER, 10)).toEqual({ keys: [], nextDueMs: null });
      expect(await feed()).toEqual(['gone']);
    });
  });

  describe('page', () => {
    it('is in order of time and then of the bytes of the id, however many share a time', async () => {
      const names = [...Array.from({ length: 250 }, (_, n) => `p${n}`), 'ü', '\uFFFD', '😀', '{a}', 'a b', '%41', '*'];
      const arrivals = names.map((name, n) => arrival(name, { sinceMs: n % 5 === 0 ? 500 : 1_000 }));
      await store.commit(arrivals);
      const ordered = arrivals
        .map(({ key, after }) => ({ key, sinceMs: after?.index.sinceMs ?? 0 }))
        .sort((a, b) => a.sinceMs - b.sinceMs || compareBytes(a.key, b.key));
      expect(await everybody(store, CONNECTED, 1_000)).toEqual(idsOf(ordered));
      expect(await everybody(store, CONNECTED, 7)).toEqual(idsOf(ordered));
    });

    it('is of the states and the tag asked for', async () => {
      await store.commit([
        arrival('a', { tag: 'red', sinceMs: 4 }),
        arrival('b', { tag: 'red', sinceMs: 3, state: 'reconnecting' }),
        arrival('c', { tag: 'red', sinceMs: 2, state: 'gone', devices: 0 }),
        arrival('d', { sinceMs: 1 }),
      ]);
      expect(idsOf((await store.page(CONNECTED, null, 10)).items)).toEqual(['d', 'a']);
      expect(idsOf((await store.page({ ...CONNECTED, group: tagged('red') }, null, 10)).items)).toEqual(['a']);
      expect(idsOf((await store.page({ ...CONNECTED, group: tagged('blue') }, null, 10)).items)).toEqual([]);
      expect(idsOf((await store.page({ states: ['gone', 'reconnecting', 'connected'] }, null, 3)).items)).toEqual([
        'd',
        'c',
        'b',
      ]);
      expect((await store.page({ states: ['gone'], group: tagged('red') }, null, 10)).items).toEqual([
        { key: 'c', sinceMs: 2, record: 'c 1' },
      ]);
    });

    it('neither misses nor doubles who stays put while others come and go', async () => {
      const move = fc.record({ name: fc.integer({ min: 0, max: 60 }), sinceMs: fc.nat(20), leaves: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(move, { maxLength: 8 }), { minLength: 12, maxLength: 12 }),
          async (rounds) => {
            const run = await open();
            const stayers = Array.from({ length: 20 }, (_, n) => arrival(`stays${n}`, { sinceMs: n }));
            await run.store.commit(stayers);
            const seen: SubjectKey[] = [];
            let after: PageCursor | null = null;
            for (const moves of rounds) {
              const ids = [...new Set(moves.map(({ name }) => id(`moves${name}`)))];
              const present = await run.store.load(ids);
              const changesets = ids.map((key, n): Changeset => {
                const { sinceMs = 0, leaves = false } = moves.find(({ name }) => `moves${name}` === key) ?? {};
                const text = present[n] as string | null;
                const index = { sinceMs: Number(text?.split(' ')[1] ?? sinceMs) };
                const before = text === null ? null : stored(text, index);
                return {
                  key,
                  before,
                  after: leaves ? null : stored(`${key} ${sinceMs}`, { sinceMs }),
                  changes: null,
                };
              });
              expect(await run.store.commit(changesets)).toEqual(ids.map(() => 'done'));
              const page: PageCursor[] = (await run.store.page(CONNECTED, after, 10)).items;
              seen.push(...idsOf(page));
              after = page.at(-1) ?? after;
            }
            for (let page = [{}]; page.length > 0; ) {
              const { items: rest } = await run.store.page(CONNECTED, after, 10);
              seen.push(...idsOf(rest));
              after = rest.at(-1) ?? after;
              page = rest;
            }
            await run.discard();
            expect(seen.filter((name) => name.startsWith('stays')).sort()).toEqual(
              idsOf(stayers.map(({ key }) => ({ key, sinceMs: 0 }))).sort(),
            );
          },
        ),
        { numRuns: 15 },
      );
    });
  });

  describe('occupancy and tags', () => {
    it('count participants by state, and their present devices', async () => {
      await store.commit([
        arrival('a', { tag: 'red', devices: 3 }),
        arrival('b', { tag: 'red', state: 'reconnecting', devices: 0 }),
        arrival('c', { devices: 1 }),
        arrival('d', { tag: 'blue', state: 'gone', devices: 0 }),
      ]);
      expect(await store.occupancy({})).toEqual({ connected: 2, reconnecting: 1, devices: 4 });
      expect(await store.occupancy({ group: tagged('red') })).toEqual({ connected: 1, reconnecting: 1, devices: 3 });
      expect(await store.occupancy({ group: tagged('blue') })).toEqual({ connected: 0, reconnecting: 0, devices: 0 });
      expect((await store.tags(undefined, null, 10)).items).toEqual([
        { tag: 'red', connected: 1, reconnecting: 1, devices: 3 },
      ]);
    });

    it('take any tag as it is, in order of bytes and by pages', async () => {
      await store.commit(ODD_TAGS.map((tag, n) => arrival(`p${n}`, { tag })));
      const sorted = ODD_TAGS.toSorted(compareBytes);
      expect((await store.tags(undefined, null, 100)).items.map(({ tag }) => tag)).toEqual(sorted);
      expect((await store.tags(undefined, sorted[2] ?? '', 3)).items.map(({ tag }) => tag)).toEqual(sorted.slice(3, 6));
      for (const tag of ODD_TAGS) expect(await store.occupancy({ group: tagged(tag) })).toMatchObject({ connected: 1 });
    });
  });

  describe('due', () => {
    it('is what has come, earliest first, no more than asked for, and the time of the next', async () => {
      const times = [5_000, 1_000, 3_000, 2_000, 4_000];
      await store.commit(times.map((dueMs) => arrival(`at${dueMs}`, { dueMs })));
      expect(await store.due(3_000, 10)).toEqual({ keys: ['at1000', 'at2000', 'at3000'], nextDueMs: 4_000 });
      expect((await store.due(3_000, 2)).keys).toEqual(['at1000', 'at2000']);
      expect(await store.due(999, 10)).toEqual({ keys: [], nextDueMs: 1_000 });
    });
  });

  it('can be checked', async () => {
    await expect(store.check()).resolves.toBeUndefined();
  });
});
