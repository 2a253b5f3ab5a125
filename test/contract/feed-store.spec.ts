// The contract for the feed of every store: order, exact resume, trimming, epochs.
import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import {
  type FeedPosition,
  formatPosition,
  parsePosition,
  type ShardPosition,
} from '../../src/storage/feed-position.js';
import type { Changeset, FeedEntry, FeedLimits, FeedStore, Storage } from '../../src/storage/ports.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { afterEntry, entriesAfter } from './feed.js';
import { indexOf } from './index-entry.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const KEEP_ALL = { retentionMs: 86_400_000, maxBytes: 1e9 };

/** A commit that announces changes; `changes` stands in for the encoded ones. */
function announcing(changes: string | null, participant: string = randomUUID()): Changeset {
  const after = { record: 'r', index: indexOf() };
  return { key: participant as SubjectKey, before: null, after, changes };
}

async function trimAll(feed: FeedStore, limits: FeedLimits): Promise<void> {
  while (await feed.trim(limits));
}

const textsOf = (entries: readonly FeedEntry[]) => entries.map(({ changes }) => changes);
/** A position as a client sends it back. */
const throughText = (position: FeedPosition) => parsePosition(formatPosition(position)) as FeedPosition;

describe.each(storesUnderTest())('the feed on %s', (_, open) => {
  let opened: OpenStorage;
  let storage: Storage;
  beforeEach(async () => {
    opened = await open();
    storage = opened.storage;
  });
  afterEach(() => opened.discard());

  const announce = (...texts: string[]) => storage.records.commit(texts.map((text) => announcing(text)));

  it('has an entry for each commit that announces changes, in commit order for each participant', async () => {
    const history = Array.from({ length: 30 }, (_unused, n) => `${n}`);
    let before: Changeset['before'] = null;
    for (const text of history) {
      const changeset: Changeset = { ...announcing(text, 'p'), before };
      expect(await storage.records.commit([changeset, announcing(null)])).toEqual(['done', 'done']);
      before = changeset.after;
    }
    expect(textsOf(await entriesAfter(storage.feed, opened.startPosition))).toEqual(history);
  });

  it('finds the position at a time', async () => {
    const { feed } = storage;
    for (let n = 0; n < 100; n += 1) await announce(`${n}`);
    const all = textsOf(await entriesAfter(feed, opened.startPosition));
    expect(textsOf(await entriesAfter(feed, await feed.at(0)))).toEqual(all);
    expect(await feed.at(Date.now() + 3_600_000)).toEqual(await feed.end());
    const { newestAtMs } = await feed.extent();
    const found = textsOf(await entriesAfter(feed, await feed.at(newestAtMs)));
    expect(all.slice(-found.length)).toEqual(found);
    expect(found).toContain('99');
    await trimAll(feed, { retentionMs: 86_400_000, maxBytes: 3 });
    const kept = await entriesAfter(feed, await feed.at(0));
    expect(kept.length).toBeLessThan(100);
    expect(textsOf(kept)).toContain('99');
  });

  it('resumes exactly after any position, whatever the page size', async () => {
    for (let n = 0; n < 10; n += 1) await announce(`${n}a`, `${n}b`, `${n}c`);
    const all = await entriesAfter(storage.feed, opened.startPosition);
    expect(textsOf(all).toSorted()).toHaveLength(30);
    let position = opened.startPosition;
    for (const [n, entry] of all.entries()) {
      position = afterEntry(position, entry);
      expect(await entriesAfter(storage.feed, throughText(position), 1 + (n % 7))).toEqual(all.slice(n + 1));
    }
    expect(await storage.feed.read(opened.startPosition, 4)).toEqual(all.slice(0, 4));
    expect(formatPosition(await storage.feed.end())).toBe(formatPosition(position));
  });

  it('returns an entry again to a reader whose position is within it', async () => {
    await announce('first');
    await announce('second');
    const [first, second] = (await entriesAfter(storage.feed, opened.startPosition)) as [FeedEntry, FeedEntry];
    const within = afterEntry(opened.startPosition, first).map((place, shard) =>
      shard === first.shard ? { ...place, changeOffset: 1 } : place,
    );
    expect(await storage.feed.read(throughText(within), 10)).toEqual([first, second]);
    expect(await storage.feed.read(throughText(within), 1)).toEqual([first]);
  });

  it('has later changes after the position returned with a page of participants or tags', async () => {
    await announce('before');
    const page = await storage.index.page({ states: ['connected'] }, null, 10);
    const tags = await storage.index.tags(undefined, null, 10);
    await announce('after');
    expect(page.items).toHaveLength(1);
    expect(textsOf(await entriesAfter(storage.feed, page.position))).toEqual(['after']);
    expect(textsOf(await entriesAfter(storage.feed, tags.position))).toEqual(['after']);
  });

  it('drops entries older than the retention, but never the newest one', async () => {
    for (let n = 0; n < 2_500; n += 500) await announce(...Array.from({ length: 500 }, (_unused, i) => `${n + i}`));
    await trimAll(storage.feed, KEEP_ALL);
    expect(await entriesAfter(storage.feed, opened.startPosition)).toHaveLength(2_500);
    const end = await storage.feed.end();
    await eventually(async () => {
      await trimAll(storage.feed, { ...KEEP_ALL, retentionMs: 1 });
      expect(await storage.feed.read(opened.startPosition, 1)).toBeNull();
    });
    expect(await storage.feed.read(end, 10)).toEqual([]);
    await announce('later');
    expect(textsOf(await entriesAfter(storage.feed, end))).toEqual(['later']);
  });

  it('keeps the position of a reader that is up to date, even after a long time without changes', async () => {
    const first = announcing('long ago', 'p');
    await storage.records.commit([first]);
    const position = await storage.feed.end();
    await storage.records.commit([{ ...first, before: first.after, changes: 'now' }]);
    await eventually(async () => {
      await trimAll(storage.feed, { ...KEEP_ALL, retentionMs: 1 });
      expect(await storage.feed.read(opened.startPosition, 1)).toBeNull();
    });
    expect(textsOf(await entriesAfter(storage.feed, position))).toEqual(['now']);
  });

  it('knows whether anything was ever announced, also when the entries are gone', async () => {
    await storage.records.commit([announcing(null)]);
    await storage.check();
    expect((await storage.feed.extent()).announcedBytes).toBe(0);
    let before: Changeset['before'] = null;
    for (const text of ['äöü', 'four', 'last']) {
      const changeset: Changeset = { ...announcing(text, 'p'), before };
      await storage.records.commit([changeset]);
      before = changeset.after;
    }
    await eventually(async () => {
      await trimAll(storage.feed, { retentionMs: 1, maxBytes: 1 });
      expect(await storage.feed.read(opened.startPosition, 1)).toBeNull();
    });
    expect((await storage.feed.extent()).announcedBytes).toBe(14);
  });

  it('drops the oldest entries beyond the maximum size', async () => {
    const texts = Array.from({ length: 2_000 }, (_unused, n) => `${n}`.padStart(100, '.'));
    for (let n = 0; n < texts.length; n += 100) await announce(...texts.slice(n, n + 100));
    const all = await entriesAfter(storage.feed, opened.startPosition);
    await trimAll(storage.feed, { ...KEEP_ALL, maxBytes: 50_000 });
    const held: (FeedEntry[] | null)[] = [];
    for (const position of [opened.startPosition, ...positionsOf(all, opened.startPosition)]) {
      held.push(await storage.feed.read(position, 1));
    }
    const firstHeld = held.findIndex((answer) => answer !== null);
    expect(held.slice(firstHeld).every((answer) => answer !== null)).toBe(true);
    // Each shard gets an equal share of the maximum size.
    expect(2_000 - firstHeld).toBeLessThanOrEqual(507);
    expect(2_000 - firstHeld).toBeGreaterThanOrEqual(opened.startPosition.length === 1 ? 500 : 300);
    const position = positionsOf(all, opened.startPosition)[firstHeld - 1] as FeedPosition;
    expect(await entriesAfter(storage.feed, position)).toEqual(all.slice(firstHeld));
  });

  it('keeps the entries that fit and the one before them, whatever their sizes', async () => {
    const sizes = fc.array(fc.array(fc.constantFrom(1, 10, 100, 5_000, 80_000), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 300_000 }), async (commits, maxBytes) => {
        const own = await open();
        for (const commit of commits) {
          await own.storage.records.commit(commit.map((size) => announcing('x'.repeat(size))));
        }
        const all = await entriesAfter(own.storage.feed, own.startPosition);
        const before = positionsOf(all, own.startPosition);
        await trimAll(own.storage.feed, { ...KEEP_ALL, maxBytes });
        for (const [shard, startPlace] of own.startPosition.entries()) {
          const inShard = all.filter((entry) => entry.shard === shard).map(({ changes }) => changes.length);
          const total = inShard.reduce((sum, bytes) => sum + bytes, 0);
          const share = Math.ceil(maxBytes / own.startPosition.length);
          let upTo = 0;
          const isOver = [0, ...inShard].map((bytes) => {
            upTo += bytes;
            return upTo < total - share;
          });
          const places = [startPlace, ...before.map((place) => place[shard])].filter(
            (place, n, list) => place?.entry !== list[n - 1]?.entry,
          );
          const firstHeld = Math.max(0, isOver.lastIndexOf(true));
          for (const [n, place] of places.entries()) {
            const after = (await own.storage.feed.end()).with(shard, place as ShardPosition);
            expect([n, (await own.storage.feed.read(after, 1)) !== null]).toEqual([n, n >= firstHeld]);
          }
        }
        await own.discard();
      }),
      { numRuns: lengthOf(6, 40) },
    );
  });

  it('rejects positions of another store and positions that it never returned', async () => {
    await announce('here');
    const other = await open();
    await other.storage.records.commit([announcing('there')]);
    const position = await storage.feed.end();
    expect(await storage.feed.read(position, 1)).toEqual([]);
    expect(await storage.feed.read(await other.storage.feed.end(), 1)).toBeNull();
    for (const entry of ['0', '5', '1790000000000-7', '9999999999999999', '9999999999999-999999']) {
      expect(await storage.feed.read(throughText(position.map((place) => ({ ...place, entry }))), 1)).toBeNull();
    }
    expect(await storage.feed.read([...position, ...position], 1)).toBeNull();
    await other.discard();
  });

  it('ends a wait when a change is announced, or at once if there already is one', async () => {
    const before = await storage.feed.end();
    const { signal } = new AbortController();
    await eventually(() => storage.feed.waitForChange(before, signal));
    const idleMs = await elapsedMs(async () => storage.feed.waitForChange(await storage.feed.end(), signal));
    const wokenMs = await elapsedMs(async () => {
      for (let n = 0; n < 10; n += 1) {
        const woken = storage.feed.waitForChange(await storage.feed.end(), signal);
        await announce(`${n}`);
        await woken;
        await storage.feed.waitForChange(before, signal);
      }
    });
    // Otherwise each of the twenty waits would have taken as long as an idle one.
    expect(wokenMs).toBeLessThan(10 * idleMs);
  });

  it('ends a wait when the signal is aborted, and leaves no listeners on the signal', async () => {
    const before = await storage.feed.end();
    const idleMs = await elapsedMs(() => storage.feed.waitForChange(before, new AbortController().signal));
    const abortedMs = await elapsedMs(async () => {
      for (let n = 0; n < 10; n += 1) {
        const stopping = new AbortController();
        const waiting = storage.feed.waitForChange(before, stopping.signal);
        stopping.abort();
        await waiting;
        await storage.feed.waitForChange(before, stopping.signal);
      }
    });
    expect(abortedMs).toBeLessThan(8 * idleMs);
    const { signal } = new AbortController();
    const woken = storage.feed.waitForChange(before, signal);
    await announce('now');
    await woken;
    for (let n = 0; n < 100; n += 1) await storage.feed.waitForChange(before, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

async function elapsedMs(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function positionsOf(entries: readonly FeedEntry[], startPosition: FeedPosition): FeedPosition[] {
  let position = startPosition;
  return entries.map((entry) => {
    position = afterEntry(position, entry);
    return position;
  });
}
