// The stores that are held to the contract, each opened empty.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { pino } from 'pino';
import { connectRedis } from '../../src/platform/redis-connection.js';
import type { FeedPosition } from '../../src/presence/feed-position.js';
import type { PresenceStore } from '../../src/presence/presence-store.js';
import { RedisPresenceStore } from '../../src/presence/redis/redis-presence-store.js';
import { SqlitePresenceStore } from '../../src/presence/sqlite/sqlite-presence-store.js';
import { RedisServer } from '../redis/redis-server.js';

export interface OpenStore {
  readonly store: PresenceStore;
  /** Of its feed. */
  readonly beginning: FeedPosition;
  /** Closes it and removes its data. */
  readonly discard: () => Promise<void>;
}

/** To be called where tests are described: it has a redis-server started before them and stopped after. */
export function storesUnderTest(): [string, () => Promise<OpenStore>][] {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());
  return [
    ['SQLite', openSqlite],
    ['Redis', () => openRedis(server.url, 1)],
    ['Redis in 3 shards', () => openRedis(server.url, 3)],
  ];
}

export async function openSqlite(): Promise<OpenStore> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-sqlite-'));
  const store = new SqlitePresenceStore(dir, pino({ level: 'silent' }));
  const discard = async () => {
    await store.close();
    rmSync(dir, { recursive: true });
  };
  return { store, beginning: await store.position(), discard };
}

async function openRedis(url: string, shards: number): Promise<OpenStore> {
  const redis = await connectRedis(url, pino({ level: 'silent' }));
  const store = new RedisPresenceStore(redis, { description: 'Redis', prefix: randomUUID(), shards });
  return { store, beginning: await store.position(), discard: () => store.close() };
}
