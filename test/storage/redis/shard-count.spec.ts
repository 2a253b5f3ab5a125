// The number of shards is fixed once there is data.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { systemClock } from '../../../src/runtime/clock.js';
import { StartError } from '../../../src/runtime/start-error.js';
import { openClient } from '../../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../../src/storage/redis/client/parse-redis-url.js';
import { RedisStorage } from '../../../src/storage/redis/redis-storage.js';
import { arrival } from '../../contract/arrivals.js';
import { BANDWIDTH } from '../../contract/index-entry.js';
import { closeOnce } from '../../leftovers.js';
import { RedisServer } from './redis-server.js';

let server: RedisServer;
let admin: Redis;
let prefix: string;
beforeAll(async () => {
  server = await RedisServer.start();
  admin = new Redis(server.url);
});
afterAll(async () => {
  await admin.quit();
  await server.stop();
});
beforeEach(() => {
  prefix = `test:${randomUUID()}`;
});

async function storageIn(shards: number) {
  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line).msg) });
  const client = await openClient({ address: parseRedisUrl(server.url) }, log);
  const options = { description: '', prefix, shards, sources: [BANDWIDTH], clock: systemClock, log, replayWindowMs: 0 };
  const storage = new RedisStorage(client, options);
  return { storage, logged, close: closeOnce(() => storage.close()) };
}

async function useWith(shards: number): Promise<void> {
  const { storage, close } = await storageIn(shards);
  await storage.open();
  await storage.check();
  expect(await storage.records.commit([arrival('a')])).toEqual(['done']);
  await storage.records.commit([{ ...arrival('a'), before: arrival('a').after, after: null }]);
  await close();
}

async function refusalWith(shards: number): Promise<string> {
  const { storage, close } = await storageIn(shards);
  const error = await storage.open().catch((reason: unknown) => reason);
  await close();
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
}

it.each([
  [1, 16],
  [16, 1],
  [3, 4],
])('data in %d shards is refused by a process for %d, which says what to set', async (stored, configured) => {
  await useWith(stored);
  expect(await refusalWith(configured)).toMatch(
    new RegExp(
      `^REDIS_SHARDS is ${configured}, but the data .* is in ${stored} shards: set REDIS_SHARDS=${stored}, or`,
    ),
  );
  await useWith(stored);
});

it('data without the key is in one shard', async () => {
  await useWith(1);
  await admin.del(`${prefix}:{0}:meta`);
  expect(await refusalWith(16)).toContain('is in 1 shard: set REDIS_SHARDS=1');
  await useWith(1);
  expect(JSON.parse((await admin.get(`${prefix}:{0}:meta`)) ?? '')).toEqual({ format: 1, prefix, shards: 1 });
});

it('data without the key that is in several shards is not taken for data in one', async () => {
  await useWith(3);
  await admin.del(`${prefix}:{0}:meta`);
  expect(await refusalWith(1)).toContain('is in more than one shard: correct REDIS_SHARDS');
  await useWith(3);
});

it('data of a newer version is refused', async () => {
  await admin.set(`${prefix}:{0}:meta`, JSON.stringify({ format: 2, prefix, shards: 1 }));
  expect(await refusalWith(1)).toContain('was written by a newer version of Rollcall');
});

it('a process that finds data in other shards after its start stores nothing, and logs it once', async () => {
  const { storage, logged, close } = await storageIn(1);
  await admin.set(`${prefix}:{0}:meta`, JSON.stringify({ format: 1, prefix, shards: 2 }));
  for (let n = 0; n < 3; n += 1) {
    expect(await storage.records.commit([arrival('a')])).toMatchObject([
      { message: expect.stringContaining('2 shards') },
    ]);
  }
  expect(await admin.keys(`${prefix}:*`)).toEqual([`${prefix}:{0}:meta`]);
  expect(logged.filter((line) => line.startsWith('REDIS_SHARDS is 1'))).toHaveLength(1);
  await close();
});

it('the key is stored again after the data was lost', async () => {
  const { storage, close } = await storageIn(2);
  await storage.open();
  await storage.incidents.check();
  await admin.del(`${prefix}:{0}:meta`);
  await storage.incidents.check();
  expect(await admin.exists(`${prefix}:{0}:meta`)).toBe(1);
  await close();
});
