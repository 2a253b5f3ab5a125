// A hub runs as long as there are followers, perhaps for months, so no round may leak memory.
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
/** For comparison: one leaked promise reaction per round was 31 MB after 100,000 rounds. */
const MAX_GROWTH_BYTES = 4 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Wraps the feed to count its waits for a change. */
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

it('leaks no memory in rounds without changes', async () => {
  const { feed, waits } = countingWaits(opened.storage.feed);
  const log = pino({ level: 'silent' });
  hub = new FeedHub(feed, new FeedReader(feed, log), log);
  const follower = new Follower(opened.startPosition, {}, { onChanges: () => {}, onGone: () => {} });
  expect(hub.join(follower)).toBe(true);
  const run = async (rounds: number) => {
    for (const end = waits.count + rounds; waits.count < end; ) {
      await opened.storage.records.commit([]); // ends all waits without announcing anything
      await setImmediate();
    }
  };
  await run(ROUNDS / 10);
  const beforeBytes = heapBytes();
  await run(ROUNDS);
  expect(heapBytes() - beforeBytes).toBeLessThan(MAX_GROWTH_BYTES);
}, 300_000);
