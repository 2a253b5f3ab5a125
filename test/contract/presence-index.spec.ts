// The contract for the index of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SourceName } from '../../src/domain/subject.js';
import { encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { keyOf, type SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { compareBytes } from '../../src/storage/page-order.js';
import type { Changeset, Group, PageCursor, PageFilter, PresenceIndex, Storage } from '../../src/storage/ports.js';
import { shardNumber } from '../../src/storage/redis/shard.js';
import { subjectOf } from '../domain/builders.js';
import { lengthOf } from '../length.js';
import { arrival, keyNamed, keysOf, stored } from './arrivals.js';
import { changesAfter } from './feed.js';
import { BANDWIDTH, type IndexParts, NONE_KNOWN, tagged } from './index-entry.js';
import { MAX_SHARDS, type OpenStorage, storesUnderTest } from './stores.js';

async function allKeys(index: PresenceIndex, filter: PageFilter, limit: number): Promise<SubjectKey[]> {
  const keys: SubjectKey[] = [];
  for (let after: PageCursor | null = null; ; ) {
    const { items } = await index.page(filter, after, limit);
    keys.push(...keysOf(items));
    if (items.length < limit) return keys;
    after = items.at(-1) as PageCursor;
  }
}

const CONNECTED: PageFilter = { states: ['connected'] };
const ODD_TAGS = ['a:connected', '{1}', '*', 'línea\nnueva', 'bell\u0007', '😀', 'x'.repeat(1_024)];

describe.each(storesUnderTest())('the presence index on %s', (_, open) => {
  let opened: OpenStorage;
  let storage: Storage;
  beforeEach(async () => {
    opened = await open();
    storage = opened.storage;
  });
  afterEach(() => opened.discard());

  describe('a page', () => {
    it('is sorted by time and then by the bytes of the id, however many share a time', async () => {
      const names = [...Array.from({ length: 250 }, (_, n) => `p${n}`), 'ü', '\uFFFD', '😀', '{a}', 'a b', '%41', '*'];
      const arrivals = names.map((name, n) => arrival(name, { sinceMs: n % 5 === 0 ? 500 : 1_000 }));
      await storage.records.commit(arrivals);
      const ordered = arrivals
        .map(({ key, after }) => ({ key, sinceMs: after?.index.sinceMs ?? 0 }))
        .sort((a, b) => a.sinceMs - b.sinceMs || compareBytes(a.key, b.key));
      expect(await allKeys(storage.index, CONNECTED, 1_000)).toEqual(keysOf(ordered));
      expect(await allKeys(storage.index, CONNECTED, 7)).toEqual(keysOf(ordered));
    });

    it('has everybody whose changes are before its position, also the first participant of a source', async () => {
      for (let n = 0; n < lengthOf(30, 300); n += 1) {
        const source = `source-${n}`;
        const key = keyOf(subjectOf({ source, participant: 'p1' }));
        const change = encodeChanges([
          {
            type: 'participant.connected',
            subject: subjectOf({ source, participant: 'p1' }),
            state: 'connected',
            previousState: null,
            sinceMs: 1,
            occurredAtMs: 1,
            receivedAtMs: 1,
            version: 1,
          },
        ]);
        const pages = Array.from({ length: 4 }, () => storage.index.page(CONNECTED, null, 1_000));
        await storage.records.commit([arrival(key, { source }, change)]);
        for (const { items, position } of await Promise.all(pages)) {
          const later = (await changesAfter(storage.feed, position)).map(({ subject }) => keyOf(subject));
          expect([...keysOf(items), ...later]).toContain(key);
        }
      }
    });

    it('is complete and sorted also where most participants are in one shard', async () => {
      const names = Array.from({ length: 2_000 }, (_, n) => `p${n}`);
      const crowded = names.filter((name, n) => n < 60 || shardNumber(name, MAX_SHARDS) === 3);
      const arrivals = crowded.map((name, n) => arrival(name, { sinceMs: (n * 7) % 50 }));
      await storage.records.commit(arrivals);
      const ordered = arrivals
        .map(({ key, after }) => ({ key, sinceMs: after?.index.sinceMs ?? 0 }))
        .sort((a, b) => a.sinceMs - b.sinceMs || compareBytes(a.key, b.key));
      for (const limit of [1, 60, 100, 1_000])
        expect(await allKeys(storage.index, CONNECTED, limit)).toEqual(keysOf(ordered));
    });

    it('is filtered by state and tag', async () => {
      await storage.records.commit([
        arrival('a', { tag: 'red', sinceMs: 4 }),
        arrival('b', { tag: 'red', sinceMs: 3, state: 'reconnecting' }),
        arrival('c', { tag: 'red', sinceMs: 2, state: 'gone', devices: 0 }),
        arrival('d', { sinceMs: 1 }),
      ]);
      expect(keysOf((await storage.index.page(CONNECTED, null, 10)).items)).toEqual(['d', 'a']);
      expect(keysOf((await storage.index.page({ ...CONNECTED, group: tagged('red') }, null, 10)).items)).toEqual(['a']);
      expect(keysOf((await storage.index.page({ ...CONNECTED, group: tagged('blue') }, null, 10)).items)).toEqual([]);
      expect(
        keysOf((await storage.index.page({ states: ['gone', 'reconnecting', 'connected'] }, null, 3)).items),
      ).toEqual(['d', 'c', 'b']);
      expect((await storage.index.page({ states: ['gone'], group: tagged('red') }, null, 10)).items).toEqual([
        { key: 'c', sinceMs: 2, record: 'c 1' },
      ]);
    });

    it('neither misses nor repeats participants who stay while others come and go', async () => {
      const move = fc.record({ name: fc.integer({ min: 0, max: 60 }), sinceMs: fc.nat(20), leaves: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(move, { maxLength: 8 }), { minLength: 12, maxLength: 12 }),
          async (rounds) => {
            const run = await open();
            const stayers = Array.from({ length: 20 }, (_, n) => arrival(`stays${n}`, { sinceMs: n }));
            await run.storage.records.commit(stayers);
            const seen: SubjectKey[] = [];
            let after: PageCursor | null = null;
            for (const moves of rounds) {
              const keys = [...new Set(moves.map(({ name }) => keyNamed(`moves${name}`)))];
              const present = await run.storage.records.load(keys);
              const changesets = keys.map((key, n): Changeset => {
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
              expect(await run.storage.records.commit(changesets)).toEqual(keys.map(() => 'done'));
              const page: PageCursor[] = (await run.storage.index.page(CONNECTED, after, 10)).items;
              seen.push(...keysOf(page));
              after = page.at(-1) ?? after;
            }
            for (let page = [{}]; page.length > 0; ) {
              const { items: rest } = await run.storage.index.page(CONNECTED, after, 10);
              seen.push(...keysOf(rest));
              after = rest.at(-1) ?? after;
              page = rest;
            }
            await run.discard();
            expect(seen.filter((name) => name.startsWith('stays')).sort()).toEqual(
              keysOf(stayers.map(({ key }) => ({ key, sinceMs: 0 }))).sort(),
            );
          },
        ),
        { numRuns: lengthOf(10, 50) },
      );
    });
  });

  describe('occupancy and tags', () => {
    it('count participants by state and present devices', async () => {
      await storage.records.commit([
        arrival('a', { tag: 'red', devices: 3 }),
        arrival('b', { tag: 'red', state: 'reconnecting', devices: 0 }),
        arrival('c', { devices: 1 }),
        arrival('d', { tag: 'blue', state: 'gone', devices: 0 }),
      ]);
      expect(await storage.index.occupancy({})).toEqual({ connected: 2, reconnecting: 1, devices: 4, ...NONE_KNOWN });
      expect(await storage.index.occupancy({ group: tagged('red') })).toEqual({
        connected: 1,
        reconnecting: 1,
        devices: 3,
        ...NONE_KNOWN,
      });
      expect(await storage.index.occupancy({ group: tagged('blue') })).toEqual({
        connected: 0,
        reconnecting: 0,
        devices: 0,
        ...NONE_KNOWN,
      });
      expect((await storage.index.tags(undefined, null, 10)).items).toEqual([
        { tag: 'red', connected: 1, reconnecting: 1, devices: 3, ...NONE_KNOWN },
      ]);
    });

    it('support any tag verbatim, in byte order and in pages', async () => {
      await storage.records.commit(ODD_TAGS.map((tag, n) => arrival(`p${n}`, { tag })));
      const sorted = ODD_TAGS.toSorted(compareBytes);
      expect((await storage.index.tags(undefined, null, 100)).items.map(({ tag }) => tag)).toEqual(sorted);
      expect((await storage.index.tags(undefined, sorted[2] ?? '', 3)).items.map(({ tag }) => tag)).toEqual(
        sorted.slice(3, 6),
      );
      for (const tag of ODD_TAGS)
        expect(await storage.index.occupancy({ group: tagged(tag) })).toMatchObject({ connected: 1 });
    });
  });

  describe('availability', () => {
    const scope: Group<'scope'> = { kind: 'scope', name: 'r1' };
    const available = (sinceMs: number) => ({ availability: { value: 'available', sinceMs } }) as const;
    const busy = (sinceMs: number) => ({ availability: { value: 'busy', sinceMs } }) as const;
    const pageOf = (filter: Omit<PageFilter, 'states'>, limit = 10) =>
      allKeys(storage.index, { states: ['connected'], ...filter }, limit);

    it('is a filter by which pages are sorted by its start', async () => {
      await storage.records.commit([
        arrival('a', { tag: 'red', sinceMs: 1, ...available(90) }),
        arrival('b', { tag: 'red', sinceMs: 2, ...available(70) }),
        arrival('c', { sinceMs: 3, ...available(80), scope: 'r1', id: 'c' }),
        arrival('d', { tag: 'red', sinceMs: 4, ...busy(60) }),
        arrival('e', { tag: 'red', sinceMs: 5 }),
      ]);
      expect(await pageOf({ availability: 'available' })).toEqual(['b', 'c', 'a']);
      expect(await pageOf({ availability: 'available' }, 1)).toEqual(['b', 'c', 'a']);
      expect(await pageOf({ availability: 'available', group: tagged('red') }, 1)).toEqual(['b', 'a']);
      expect(await pageOf({ availability: 'available', group: scope })).toEqual(['c']);
      expect(await pageOf({ availability: 'busy' })).toEqual(['d']);
      const { items } = await storage.index.page({ states: ['connected'], availability: 'busy' }, null, 1);
      expect(items).toEqual([{ key: 'd', sinceMs: 60, record: 'd 1' }]);
      expect(await storage.index.occupancy({})).toMatchObject({ connected: 5, available: 3, busy: 1 });
      expect(await storage.index.occupancy({ group: scope })).toMatchObject({ available: 1, busy: 0 });
      expect((await storage.index.tags(undefined, null, 10)).items).toEqual([
        { tag: 'red', connected: 4, reconnecting: 0, devices: 4, available: 2, busy: 1 },
      ]);
    });

    it('moves with the participant, and ends with its presence', async () => {
      let before: Changeset['before'] = null;
      const commit = async (index: IndexParts | null) => {
        const after: Changeset['after'] = index && stored(`a ${JSON.stringify(index)}`, index);
        const changeset = { key: keyNamed('a'), before, after, changes: null };
        expect(await storage.records.commit([changeset])).toEqual(['done']);
        before = after;
      };
      const counts = async (group?: Group<'tag'>) => {
        const { available: ready, busy: working } = await storage.index.occupancy({ group });
        return [ready, working];
      };
      await commit({ tag: 'red' });
      expect(await counts()).toEqual([0, 0]);
      await commit({ tag: 'red', ...available(5) });
      expect([await counts(), await counts(tagged('red'))]).toEqual([
        [1, 0],
        [1, 0],
      ]);
      await commit({ tag: 'red', ...available(7) });
      expect((await storage.index.page({ states: [], availability: 'available' }, null, 10)).items).toEqual([
        expect.objectContaining({ sinceMs: 7 }),
      ]);
      await commit({ tag: 'blue', ...busy(8) });
      expect([await counts(), await counts(tagged('red')), await counts(tagged('blue'))]).toEqual([
        [0, 1],
        [0, 0],
        [0, 1],
      ]);
      await commit({ tag: 'blue', state: 'reconnecting' });
      expect([await counts(), await pageOf({ availability: 'busy' })]).toEqual([[0, 0], []]);
      await commit({ tag: 'blue', ...available(9) });
      await commit(null);
      expect([await counts(), await pageOf({ availability: 'available' })]).toEqual([[0, 0], []]);
    });
  });

  describe('with several sources', () => {
    const LIVEKIT = 'livekit' as SourceName;
    const EMPTY = { connected: 0, reconnecting: 0, devices: 0, ...NONE_KNOWN };
    const scope = (name: string): Group<'scope'> => ({ kind: 'scope', name });
    const withId = (name: string): Group<'id'> => ({ kind: 'id', name });
    const pageOf = async (filter: Omit<PageFilter, 'states'>) =>
      keysOf((await storage.index.page({ states: ['connected', 'reconnecting'], ...filter }, null, 10)).items);
    const tagsOf = async (source?: SourceName) => (await storage.index.tags(source, null, 10)).items;

    const inBandwidth = keyOf(subjectOf({ participant: 'p1' }));
    const keyIn = (room: string, participant = 'p1') => keyOf(subjectOf({ source: LIVEKIT, scope: room, participant }));
    const inLivekit = (room: string, index: IndexParts, participant = 'p1') =>
      arrival(keyIn(room, participant), { source: LIVEKIT, scope: room, id: participant, ...index });

    /** Three participants with the same id, two of them with the same tag, and another participant. */
    beforeEach(async () => {
      const outcomes = await storage.records.commit([
        arrival(inBandwidth, { tag: 'red', sinceMs: 3, devices: 2 }),
        inLivekit('r1', { tag: 'red', sinceMs: 1 }),
        inLivekit('r2', { tag: 'blue', sinceMs: 4, state: 'reconnecting', devices: 0 }),
        inLivekit('r2', { sinceMs: 2 }, 'p2'),
      ]);
      expect(outcomes).toEqual(['done', 'done', 'done', 'done']);
    });

    it('filters pages by source and by group', async () => {
      expect(await pageOf({})).toEqual([keyIn('r1'), keyIn('r2', 'p2'), inBandwidth, keyIn('r2')]);
      expect(await pageOf({ source: BANDWIDTH })).toEqual([inBandwidth]);
      expect(await pageOf({ source: LIVEKIT })).toEqual([keyIn('r1'), keyIn('r2', 'p2'), keyIn('r2')]);
      expect(await pageOf({ group: tagged('red') })).toEqual([keyIn('r1'), inBandwidth]);
      expect(await pageOf({ source: LIVEKIT, group: tagged('red') })).toEqual([keyIn('r1')]);
      expect(await pageOf({ group: scope('r2') })).toEqual([keyIn('r2', 'p2'), keyIn('r2')]);
      expect(await pageOf({ source: BANDWIDTH, group: scope('r2') })).toEqual([]);
      // A participant without a scope has no id group.
      expect(await pageOf({ group: withId('p1') })).toEqual([keyIn('r1'), keyIn('r2')]);
      expect(await pageOf({ source: BANDWIDTH, group: withId('p1') })).toEqual([]);
    });

    it('sorts pages across sources, whatever the page size', async () => {
      const whole = await allKeys(storage.index, CONNECTED, 10);
      expect(whole).toEqual([keyIn('r1'), keyIn('r2', 'p2'), inBandwidth]);
      expect(await allKeys(storage.index, CONNECTED, 1)).toEqual(whole);
      expect(await allKeys(storage.index, { ...CONNECTED, group: tagged('red') }, 1)).toEqual([
        keyIn('r1'),
        inBandwidth,
      ]);
    });

    it('filters occupancy by source and by group', async () => {
      const { index } = storage;
      expect(await index.occupancy({})).toEqual({ connected: 3, reconnecting: 1, devices: 4, ...NONE_KNOWN });
      expect(await index.occupancy({ source: BANDWIDTH })).toEqual({
        connected: 1,
        reconnecting: 0,
        devices: 2,
        ...NONE_KNOWN,
      });
      expect(await index.occupancy({ source: LIVEKIT })).toEqual({
        connected: 2,
        reconnecting: 1,
        devices: 2,
        ...NONE_KNOWN,
      });
      expect(await index.occupancy({ group: tagged('red') })).toEqual({
        connected: 2,
        reconnecting: 0,
        devices: 3,
        ...NONE_KNOWN,
      });
      const redInLivekit = { source: LIVEKIT, group: tagged('red') };
      expect(await index.occupancy(redInLivekit)).toEqual({ connected: 1, reconnecting: 0, devices: 1, ...NONE_KNOWN });
      expect(await index.occupancy({ group: scope('r2') })).toEqual({
        connected: 1,
        reconnecting: 1,
        devices: 1,
        ...NONE_KNOWN,
      });
      expect(await index.occupancy({ source: BANDWIDTH, group: scope('r2') })).toEqual(EMPTY);
    });

    it('filters tags by source', async () => {
      const red = { tag: 'red', connected: 1, reconnecting: 0, devices: 1, ...NONE_KNOWN };
      const blue = { tag: 'blue', connected: 0, reconnecting: 1, devices: 0, ...NONE_KNOWN };
      expect(await tagsOf()).toEqual([blue, { ...red, connected: 2, devices: 3 }]);
      expect(await tagsOf(BANDWIDTH)).toEqual([{ ...red, devices: 2 }]);
      expect(await tagsOf(LIVEKIT)).toEqual([blue, red]);
    });

    it('removes one of several participants with the same id and leaves the others unchanged', async () => {
      const { key, after } = inLivekit('r1', { tag: 'red', sinceMs: 1 });
      const gone: Changeset = { key, before: after, after: null, changes: null };
      expect(await storage.records.commit([gone])).toEqual(['done']);
      expect(await pageOf({ group: withId('p1') })).toEqual([keyIn('r2')]);
      expect(await pageOf({ group: tagged('red') })).toEqual([inBandwidth]);
      expect(await pageOf({ group: scope('r1') })).toEqual([]);
      expect(await storage.index.occupancy({ group: scope('r1') })).toEqual(EMPTY);
      expect((await tagsOf(LIVEKIT)).map(({ tag }) => tag)).toEqual(['blue']);
      expect((await tagsOf(BANDWIDTH)).map(({ tag }) => tag)).toEqual(['red']);
    });

    it('lists the sources that have, or had, a participant', async () => {
      expect(await storage.index.sources()).toEqual([BANDWIDTH, LIVEKIT]);
      const { key, after } = arrival(inBandwidth, { tag: 'red', sinceMs: 3, devices: 2 });
      await storage.records.commit([{ key, before: after, after: null, changes: null }]);
      expect(await storage.index.sources()).toEqual([BANDWIDTH, LIVEKIT]);
      expect(await tagsOf(BANDWIDTH)).toEqual([]);
      expect(await storage.index.occupancy({ source: BANDWIDTH })).toEqual(EMPTY);
    });
  });
});
