// Stores in which many participants are known and connected. Each is made once, for all parts that ask for it, and ends
// with the benchmark.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { tagCount } from './participants.mjs';
import { makeFolder, outputOf, startRedis } from './processes.mjs';

/** As in src/storage/redis/shard.ts. */
const FEED = 'rollcall:{0}:changes';
const made = new Map();

/** On SQLite. `env` has a service keep its presence there; `tags` is how many they share. */
export function knownOnSqlite(count, tags = tagCount(count)) {
  return once(`sqlite ${count} ${tags}`, async () => {
    const dataDir = makeFolder();
    await seed({ dataDir }, { participants: count, tags });
    return { count, tags, env: { DATA_DIR: dataDir } };
  });
}

/** On a Redis of its own. `bytes`: what all of Redis grew by without the feed, and an event's part of the feed. */
export function knownOnRedis(count, tags = tagCount(count)) {
  return once(`redis ${count} ${tags}`, async () => {
    const redis = await startRedis();
    const client = new Redis(redis.port);
    const before = await usedBytes(client);
    await seed({ redisUrl: redis.url }, { participants: count, tags });
    const feed = await client.memory('USAGE', FEED, 'SAMPLES', 0);
    const participants = (await usedBytes(client)) - before - feed;
    const bytes = { participants, feedOfEvent: feed / (await client.xlen(FEED)) };
    client.disconnect();
    return { count, tags, env: { REDIS_URL: redis.url }, redis, bytes };
  });
}

/** `events` of each of `participants` whose numbers are `apart`. */
export async function seed(place, { participants, apart = 1, tags, events = 1 }) {
  await outputOf(process.execPath, ['bench/seed.mjs', JSON.stringify({ place, participants, apart, tags, events })]);
}

function once(name, make) {
  if (!made.has(name)) made.set(name, make());
  return made.get(name);
}

/** When it no longer changes: what connections took is given back, and tables that grew have moved. */
async function usedBytes(client) {
  let last = Number.NaN;
  for (;;) {
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
    if (Math.abs(used - last) < 4_096) return used;
    last = used;
    await wait(300);
  }
}
