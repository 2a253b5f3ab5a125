import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../../src/storage/ports.js';
import { parseRedisUrl } from '../../src/storage/redis/client/parse-redis-url.js';
import { RedisConnection } from '../../src/storage/redis/client/redis-connection.js';
import { RedisStorage } from '../../src/storage/redis/redis-storage.js';
import { runTransaction } from '../../src/storage/redis/transaction.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { RedisServer } from './redis/redis-server.js';

describe('a transaction', () => {
  let server: RedisServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url);
    await redis.lpush('list', 'entry');
  });
  afterAll(async () => {
    await redis.quit();
    await server.stop();
  });

  it('returns the replies of its commands', async () => {
    expect(await runTransaction(redis.multi().set('a', 1).get('a').get('nothing'))).toEqual(['OK', '1', null]);
  });

  it.each([
    ['first', () => redis.multi().get('list').set('b', 1)],
    ['last', () => redis.multi().set('b', 1).get('list')],
  ])('fails when its %s command does', async (_, transaction) => {
    await expect(runTransaction(transaction())).rejects.toThrow('WRONGTYPE');
  });

  it('that fails to store a binding is an error', async () => {
    const log = pino({ level: 'silent' });
    const connection = await RedisConnection.open({ address: parseRedisUrl(server.url) }, log);
    const storage = new RedisStorage(connection, {
      description: 'Redis',
      prefix: 'rollcall',
      shards: 1,
      replayWindowMs: 0,
      sources: [BANDWIDTH],
      clock: systemClock,
      log,
    });
    // SET rejects this time, as Redis 6.0 rejects any PXAT. The GET after it succeeds, but finds nothing.
    await expect(storage.bindings.bind('ref', 'p' as SubjectKey, -1)).rejects.toThrow(StoreUnavailableError);
    await storage.close();
  });
});
