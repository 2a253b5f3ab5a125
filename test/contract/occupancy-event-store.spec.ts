// The contract for the occupancy events of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OccupancyEventStore, OccupancyUpdate } from '../../src/storage/webhook-ports.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const LONG_MS = 3_600_000;
const LIMITS = { maxCount: 1_000, oldestMs: 0 };

const event = (number: number, atMs = number * 10) => ({ number, atMs, text: `event ${number} – ½` });
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => event(from + n));

describe.each(storesUnderTest())('the occupancy events on %s', (_, open) => {
  let opened: OpenStorage;
  let store: OccupancyEventStore;
  let lease: { readonly name: string; readonly token: number };
  beforeEach(async () => {
    opened = await open();
    store = opened.storage.occupancyEvents;
    lease = { name: 'job', token: Number(await opened.storage.leases.acquire('job', LONG_MS)) };
  });
  afterEach(() => opened.discard());

  const save = (update: Partial<OccupancyUpdate>, limits = LIMITS) =>
    store.save(lease, { state: 'state', tags: new Map(), events: [], ...update }, limits);
  const numbers = async (after = 0) => (await store.events(after, 1_000)).map(({ number }) => number);

  it('are stored together with the state and the tags', async () => {
    expect(await store.state()).toBeNull();
    expect(await store.tags()).toEqual(new Map());
    const tags = new Map([
      ['red', 0],
      ['blue – ½', 1_795_434_600_123],
    ]);
    expect(await save({ state: 'one – ½', tags, events: numbered(1, 3) })).toBe(true);
    expect(await store.state()).toBe('one – ½');
    expect(await store.tags()).toEqual(tags);
    expect(await store.events(0, 10)).toEqual(numbered(1, 3));
    expect(await save({ state: null, tags: new Map([['red', null]]) })).toBe(true);
    expect(await store.state()).toBeNull();
    expect(await store.tags()).toEqual(new Map([['blue – ½', 1_795_434_600_123]]));
  });

  it('are stored only by the holder of the lease', async () => {
    await save({ state: 'before', events: [event(1)] });
    await opened.storage.leases.release('job', lease.token);
    const update = { state: 'after', tags: new Map([['red', 0]]), events: [event(2)] };
    expect(await save(update)).toBe(false);
    lease = { name: 'job', token: Number(await opened.storage.leases.acquire('job', LONG_MS)) };
    expect(await store.save({ ...lease, token: lease.token - 1 }, update, LIMITS)).toBe(false);
    expect(await store.state()).toBe('before');
    expect(await store.tags()).toEqual(new Map());
    expect(await numbers()).toEqual([1]);
    expect(await save(update)).toBe(true);
    expect(await numbers()).toEqual([1, 2]);
  });

  it('are read from any number on, in order', async () => {
    await save({ events: numbered(1, 12) });
    expect(await store.events(9, 2)).toEqual([event(10), event(11)]);
    expect(await store.events(12, 2)).toEqual([]);
  });

  it('are dropped by number and by age, except for the newest', async () => {
    await save({ events: numbered(1, 5) }, { maxCount: 3, oldestMs: 0 });
    expect(await numbers()).toEqual([3, 4, 5]);
    await save({ events: [event(6)] }, { maxCount: 10, oldestMs: 50 });
    expect(await numbers()).toEqual([5, 6]);
    await save({ events: [event(7)] }, { maxCount: 10, oldestMs: 1_000 });
    expect(await numbers()).toEqual([7]);
  });

  it('have a newest one, also before a time', async () => {
    expect(await store.newestNumber()).toBe(0);
    expect(await store.newestNumber(5)).toBe(0);
    await save({ events: numbered(1, 9) });
    expect(await store.newestNumber()).toBe(9);
    for (const number of [1, 4, 8]) {
      expect(await store.newestNumber(number * 10)).toBe(number - 1);
      expect(await store.newestNumber(number * 10 + 1)).toBe(number);
    }
    await save({ events: [event(10)] }, { maxCount: 4, oldestMs: 0 });
    expect(await store.newestNumber(30)).toBe(6);
  });

  it('may concern very many tags', async () => {
    const tags = new Map(Array.from({ length: 2_500 }, (_unused, n) => [`tag ${n}`, n]));
    await save({ tags });
    expect(await store.tags()).toEqual(tags);
  });
});
