// Stores with many connected participants. Each is built once, is shared by all parts that need it, and is removed when the
// benchmark ends.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { tagCount } from './participants.mjs';
import { makeFolder, outputOf, startRedis } from './processes.mjs';

/** As in src/storage/redis/shard.ts. */
const FEED = 'rollcall:{0}:changes';
const made = new Map();

/**
 * On SQLite. `env`: settings with which a service uses the store. `tags`: the number of different tags. `available`: whether all are.
 */
export function knownOnSqlite(count, { tags = tagCount(count), available = false } = {}) {
  return once(`sqlite ${count} ${tags} ${available}`, async () => {
    const dataDir = makeFolder();
    await seed({ dataDir }, { participants: count, tags, available });
    return { count, tags, env: { DATA_DIR: dataDir } };
  });
}

/**
 * On a separate Redis. `bytes`: the growth of Redis without the feed, and the size of an event in the feed. `end`: the event after
 * which the participants are no longer connected.
 */
export function knownOnRedis(count, { tags = tagCount(count), available = false, end } = {}) {
  return once(`redis ${count} ${tags} ${available} ${end}`, async () => {
    const redis = await startRedis();
    const client = new Redis(redis.port);
    const before = await usedBytes(client);
    await seed({ redisUrl: redis.url }, { participants: count, tags, available, end });
    const feed = await client.memory('USAGE', FEED, 'SAMPLES', 0);
    const participants = (await usedBytes(client)) - before - feed;
    const bytes = { participants, feedOfEvent: feed / (await client.xlen(FEED)) };
    client.disconnect();
    return { count, tags, env: { REDIS_URL: redis.url }, redis, bytes };
  });
}

/** Records `events` for each of `participants`, whose numbers are `apart`. `available`: whether they then become available. */
export async function seed(place, { participants, apart = 1, tags, events = 1, available = false, end }) {
  const plan = { place, participants, apart, tags, events, available, end };
  await outputOf(process.execPath, ['bench/seed.mjs', JSON.stringify(plan)]);
}

function once(name, make) {
  if (!made.has(name)) made.set(name, make());
  return made.get(name);
}

/** The memory in use once it is stable: connection buffers are freed, and rehashing is done. */
async function usedBytes(client) {
  let last = Number.NaN;
  for (;;) {
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
    if (Math.abs(used - last) < 4_096) return used;
    last = used;
    await wait(300);
  }
}
