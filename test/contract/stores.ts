// The stores under the contract, each opened empty.
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { Redis } from 'ioredis';
import Database from 'libsql';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import type { FeedPosition } from '../../src/storage/feed-position.js';
import type { Storage } from '../../src/storage/ports.js';
import { parseRedisUrl } from '../../src/storage/redis/redis-address.js';
import { RedisConnection } from '../../src/storage/redis/redis-connection.js';
import { RedisStorage } from '../../src/storage/redis/redis-storage.js';
import { Shard, shardNumber } from '../../src/storage/redis/shard.js';
import { SqliteStorage } from '../../src/storage/sqlite/sqlite-storage.js';
import { closeOnce } from '../leftovers.js';
import { documentedUser, urlOfUser } from '../storage/redis/acl-user.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { BANDWIDTH } from './index-entry.js';

export interface OpenStorage {
  readonly storage: Storage;
  /** The first position of its feed. */
  readonly startPosition: FeedPosition;
  /** Deletes records as an operator would, without the store. Resolves with the store to use from now on. */
  readonly deleteRecords: (keys: readonly SubjectKey[]) => Promise<Storage>;
  /** Lets the store notice what has been deleted. */
  readonly repair: () => Promise<void>;
  /** As another process would open it; undefined: only one can. */
  readonly another?: () => Storage;
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
    ['Redis', () => openRedis(server, url, 1)],
    ['Redis in 3 shards', () => openRedis(server, url, 3)],
  ];
}

export async function openSqlite(): Promise<OpenStorage> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-sqlite-'));
  const open = (folder: string) => new SqliteStorage(folder, systemClock, pino({ level: 'silent' }));
  let storage = open(dir);
  const discard = closeOnce(async () => {
    await storage.close();
    rmSync(dir, { recursive: true });
  });
  const deleteRecords = async (keys: readonly SubjectKey[]) => {
    await storage.close();
    // The driver locks a file until its prepared statements are garbage-collected; a copy is not locked.
    const copy = mkdtempSync(join(dir, 'copy-'));
    copyFileSync(join(dir, 'rollcall.db'), join(copy, 'rollcall.db'));
    const db = new Database(join(copy, 'rollcall.db'));
    const list = JSON.stringify(keys).replaceAll("'", "''");
    db.exec(`DELETE FROM participants WHERE key IN (SELECT value FROM json_each('${list}'))`);
    db.close();
    storage = open(copy);
    return storage;
  };
  return { storage, startPosition: await storage.feed.end(), deleteRecords, repair: async () => {}, discard };
}

async function openRedis(server: RedisServer, url: string, shards: number): Promise<OpenStorage> {
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
  const recordOf = (key: SubjectKey) => new Shard(prefix, shardNumber(key, shards)).record(key);
  const deleteRecords = async (keys: readonly SubjectKey[]) => {
    const operator = new Redis(server.url);
    await operator.del(keys.map(recordOf));
    operator.disconnect();
    return storage;
  };
  const repair = async () => {
    while (await storage.repair.step());
  };
  const another = () => new RedisStorage(redis, options);
  return { storage, startPosition: await storage.feed.end(), deleteRecords, repair, another, discard };
}
