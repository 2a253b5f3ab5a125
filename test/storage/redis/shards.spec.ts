// Reads that leave out the shards that fail.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { openClient } from '../../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../../src/storage/redis/client/parse-redis-url.js';
import type { RedisClient } from '../../../src/storage/redis/client/redis-client.js';
import { Shard } from '../../../src/storage/redis/shard.js';
import { Shards } from '../../../src/storage/redis/shards.js';
import { ManualClock } from '../../manual-clock.js';
import { RedisServer } from './redis-server.js';

const SHARDS = 3;

let server: RedisServer;
let client: RedisClient;
let admin: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  client = await openClient({ address: parseRedisUrl(server.url) }, pino({ level: 'silent' }));
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await client.close();
  await server.stop();
});

let prefix: string;
let clock: ManualClock;
let shards: Shards;
let logged: string[];
beforeEach(() => {
  prefix = `rollcall:${randomUUID()}`;
  clock = new ManualClock(0);
  logged = [];
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line).msg) });
  shards = new Shards(client, { prefix, shards: SHARDS, clock, log });
});

const countDue = () =>
  shards.fromReachable('read deadlines', (shard) => shards.run(shard, (commands) => commands.zcard(shard.due)));

/** Makes Redis refuse to read the deadlines of a shard, until the key is deleted. */
const spoil = (shard: number) => admin.set(new Shard(prefix, shard).due, 'of another program');

it('logs once that a shard refuses, and its end only once all shards accept', async () => {
  await spoil(1);
  for (let n = 0; n < 5; n += 1) {
    expect(await countDue()).toEqual([0, 0]);
    clock.advance(6_000);
  }
  const [begin, ...more] = logged;
  expect(begin).toMatch(/^Redis refuses to read deadlines: WRONGTYPE, /);
  expect(more).toEqual([]);
  await admin.del(new Shard(prefix, 1).due);
  expect(await countDue()).toEqual([0, 0, 0]);
  clock.advance(6_000);
  expect(logged).toEqual([begin, 'Redis no longer refuses to read deadlines']);
});

it('rejects if all shards fail', async () => {
  for (let shard = 0; shard < SHARDS; shard += 1) await spoil(shard);
  await expect(countDue()).rejects.toThrow(/^WRONGTYPE/);
  expect(logged).toHaveLength(1);
});
