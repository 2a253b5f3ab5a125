import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../../src/runtime/clock.js';
import { openClient } from '../../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../../src/storage/redis/client/parse-redis-url.js';
import { RedisStorage } from '../../../src/storage/redis/redis-storage.js';
import { arrival, keyNamed } from '../../contract/arrivals.js';
import { BANDWIDTH } from '../../contract/index-entry.js';
import { RedisCluster } from './redis-cluster.js';
import { RedisServer } from './redis-server.js';

const log = pino({ level: 'silent' });
const SHARDS = 3;
/** Enough for several in each shard. */
const NAMES = Array.from({ length: 50 }, (_, n) => `p${n}`);

describe.each<[string, () => Promise<RedisServer | RedisCluster>]>([
  ['one server', () => RedisServer.start()],
  ['a cluster', () => RedisCluster.start()],
])('what is sent to Redis on %s', (_, start) => {
  let redis: RedisServer | RedisCluster;
  let storage: RedisStorage;
  beforeAll(async () => {
    redis = await start();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    const client = await openClient({ address: parseRedisUrl(redis.url) }, log);
    const options = {
      description: '',
      prefix: randomUUID(),
      shards: SHARDS,
      sources: [BANDWIDTH],
      clock: systemClock,
      log,
    };
    storage = new RedisStorage(client, { ...options, replayWindowMs: 0 });
    await storage.open();
    // The servers may not have the scripts yet.
    await storage.check();
  });
  afterEach(() => storage.close());

  async function sentBy(work: () => Promise<unknown>) {
    const { roundTrips, commands } = storage.traffic;
    await work();
    return { roundTrips: storage.traffic.roundTrips - roundTrips, commands: storage.traffic.commands - commands };
  }

  it('is counted for each shard, however many participants it has', async () => {
    const changesets = NAMES.map((name) => arrival(name));
    expect(await sentBy(() => storage.records.load(NAMES.map(keyNamed)))).toEqual({
      roundTrips: SHARDS,
      commands: SHARDS,
    });
    expect(await sentBy(() => storage.records.commit(changesets))).toEqual({ roundTrips: SHARDS, commands: SHARDS });
  });

  it('is one round trip for a transaction, with all its commands', async () => {
    const end = { text: 'end', receivedAtMs: 1 };
    // MULTI, six commands, EXEC.
    const sent = await sentBy(() => storage.ends.add('room', end, Date.now() + 60_000));
    expect(sent).toEqual({ roundTrips: 1, commands: 8 });
  });
});
