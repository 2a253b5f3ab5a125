// A hub runs for as long as anybody follows: what one round leaves behind adds up for months.
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { FeedReader } from '../../src/feed/feed-reader.js';
import { Follower } from '../../src/feed/follower.js';
import type { FeedStore } from '../../src/storage/ports.js';
import { type OpenStorage, openSqlite } from '../contract/stores.js';
import { lengthOf } from '../length.js';

const ROUNDS = lengthOf(40_000, 100_000);
/** A promise reaction left behind by each of 100,000 rounds was 31 MB. */
const MAX_GROWTH_BYTES = 4 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** The feed, with its waits for a change counted. */
function countingWaits(feed: FeedStore) {
  const waits = { count: 0 };
  const proxy = new Proxy(feed, {
    get(target, name: keyof FeedStore) {
      if (name === 'waitForChange') waits.count += 1;
      return target[name].bind(target);
    },
  });
  return { feed: proxy, waits };
}

let opened: OpenStorage;
let hub: FeedHub;
beforeEach(async () => {
  opened = await openSqlite();
});
afterEach(async () => {
  await hub.stop();
  await opened.discard();
});

it('keeps nothing of the rounds in which nothing happened', async () => {
  const { feed, waits } = countingWaits(opened.storage.feed);
  const log = pino({ level: 'silent' });
  hub = new FeedHub(feed, new FeedReader(feed, log), log);
  const follower = new Follower(opened.beginning, {}, { onChanges: () => {}, onGone: () => {} });
  expect(hub.join(follower)).toBe(true);
  const run = async (rounds: number) => {
    for (const end = waits.count + rounds; waits.count < end; ) {
      await opened.storage.records.commit([]); // wakes those who wait, and announces nothing
      await setImmediate();
    }
  };
  await run(ROUNDS / 10);
  const beforeBytes = heapBytes();
  await run(ROUNDS);
  expect(heapBytes() - beforeBytes).toBeLessThan(MAX_GROWTH_BYTES);
}, 300_000);
