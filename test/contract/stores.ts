// The stores under the contract, each opened empty.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import type { FeedPosition } from '../../src/storage/feed-position.js';
import type { Storage } from '../../src/storage/ports.js';
import { parseRedisUrl } from '../../src/storage/redis/redis-address.js';
import { RedisConnection } from '../../src/storage/redis/redis-connection.js';
import { RedisStorage } from '../../src/storage/redis/redis-storage.js';
import { SqliteStorage } from '../../src/storage/sqlite/sqlite-storage.js';
import { closeOnce } from '../leftovers.js';
import { documentedUser, urlOfUser } from '../storage/redis/acl-user.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { BANDWIDTH } from './index-entry.js';

export interface OpenStorage {
  readonly storage: Storage;
  /** The first position of its feed. */
  readonly startPosition: FeedPosition;
  /** Closes it and removes its data. */
  readonly discard: () => Promise<void>;
}

/**
 * Must be called inside or around a `describe`: starts a redis-server before the tests and stops it afterwards. The store
 * connects as the user of docs/redis.md, which has only the permissions that it needs.
 */
export function storesUnderTest(): [string, () => Promise<OpenStorage>][] {
  let server: RedisServer;
  let url: string;
  beforeAll(async () => {
    server = await RedisServer.start();
    url = await urlOfUser(server.url, documentedUser());
  });
  afterAll(() => server.stop());
  return [
    ['SQLite', openSqlite],
    ['Redis', () => openRedis(url, 1)],
    ['Redis in 3 shards', () => openRedis(url, 3)],
  ];
}

export async function openSqlite(): Promise<OpenStorage> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-sqlite-'));
  const storage = new SqliteStorage(dir, systemClock, pino({ level: 'silent' }));
  const discard = closeOnce(async () => {
    await storage.close();
    rmSync(dir, { recursive: true });
  });
  return { storage, startPosition: await storage.feed.end(), discard };
}

async function openRedis(url: string, shards: number): Promise<OpenStorage> {
  const log = pino({ level: 'silent' });
  const redis = await RedisConnection.open({ address: parseRedisUrl(url) }, log);
  const prefix = `rollcall:${randomUUID()}`;
  const options = {
    description: 'Redis',
    prefix,
    shards,
    sources: [BANDWIDTH],
    clock: systemClock,
    log,
    replayWindowMs: 0,
  };
  const storage = new RedisStorage(redis, options);
  const discard = closeOnce(() => storage.close());
  return { storage, startPosition: await storage.feed.end(), discard };
}
