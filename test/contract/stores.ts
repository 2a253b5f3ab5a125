// The stores under the contract, each opened empty.
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import type { FeedPosition } from '../../src/storage/feed-position.js';
import type { Storage } from '../../src/storage/ports.js';
import { openClient } from '../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../src/storage/redis/client/parse-redis-url.js';
import { RedisStorage } from '../../src/storage/redis/redis-storage.js';
import { Shard, shardNumber } from '../../src/storage/redis/shard.js';
import { SqliteStorage } from '../../src/storage/sqlite/sqlite-storage.js';
import { closeOnce } from '../leftovers.js';
import { lengthOf } from '../length.js';
import { documentedClusterUser, documentedUser, urlOfUser } from '../storage/redis/acl-user.js';
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

/** The stores have this many shards, or one. */
export const MAX_SHARDS = 16;

interface SharedServer {
  readonly url: string;
  readonly servers: readonly string[];
}

/** What test/setup/storage.mjs has started. Those of Valkey only if it is installed. */
type SharedServers = Record<'single' | 'sentinels' | 'cluster', SharedServer> &
  Partial<Record<'valkeySingle' | 'valkeyCluster', SharedServer>>;

/** The stores of all kinds, each with keys of its own on servers that all specs share. */
export function storesUnderTest(): [string, () => Promise<OpenStorage>][] {
  const { single, sentinels, cluster, valkeySingle, valkeyCluster } = sharedServers();
  return [
    ['SQLite', openSqlite],
    ['Redis', () => openAs(documentedUser(), single, 1)],
    [`Redis in ${MAX_SHARDS} shards`, () => openAs(documentedUser(), single, MAX_SHARDS)],
    ['Redis with Sentinels', () => openAs(documentedUser(), sentinels, 1)],
    ['Redis Cluster', () => openAs(documentedClusterUser(), cluster, MAX_SHARDS)],
    ...(valkeySingle ? [store('Valkey', () => openAs(documentedUser(), valkeySingle, 1))] : []),
    ...(valkeyCluster
      ? [store('Valkey Cluster', () => openAs(documentedClusterUser(), valkeyCluster, MAX_SHARDS))]
      : []),
  ];
}

/** For tests of what is above the ports, where only the number of shards can make a difference: all of them only in the long run. */
export function storesByLayout(): [string, () => Promise<OpenStorage>][] {
  const all = storesUnderTest();
  return all.slice(0, lengthOf(3, all.length));
}

function store(name: string, open: () => Promise<OpenStorage>): [string, () => Promise<OpenStorage>] {
  return [name, open];
}

function sharedServers(): SharedServers {
  const { SHARED_REDIS } = process.env;
  if (SHARED_REDIS === undefined) throw new Error('redis-server is missing; on Debian: apt-get install redis-server');
  return JSON.parse(SHARED_REDIS) as SharedServers;
}

const urls = new Map<string, Promise<string>>();

/** As the user of docs/redis.md, which has only the permissions that the store needs. */
async function openAs(user: readonly string[], { url, servers }: SharedServer, shards: number): Promise<OpenStorage> {
  const ofUser = urls.get(url) ?? urlOfUser(url, user, servers);
  urls.set(url, ofUser);
  return openRedis(await ofUser, shards);
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

async function openRedis(url: string, shards: number): Promise<OpenStorage> {
  const log = pino({ level: 'silent' });
  const client = await openClient({ address: parseRedisUrl(url) }, log);
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
  const storage = new RedisStorage(client, options);
  const discard = closeOnce(() => storage.close());
  const deleteRecords = async (keys: readonly SubjectKey[]) => {
    for (const key of keys) {
      const shard = new Shard(prefix, shardNumber(key, shards));
      await client.run(shard.slot, (commands) => commands.del(shard.record(key)));
    }
    return storage;
  };
  const repair = async () => {
    while (await storage.repair.step());
  };
  const another = () => new RedisStorage(client, options);
  return { storage, startPosition: await storage.feed.end(), deleteRecords, repair, another, discard };
}
