// A failover, or a part of the feed that cannot be read, during an export and an import: they wait for it, and miss nothing.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import { openClient } from '../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../src/storage/redis/client/parse-redis-url.js';
import { RedisStorage } from '../../src/storage/redis/redis-storage.js';
import { Shard, shardNumber } from '../../src/storage/redis/shard.js';
import { Exporter } from '../../src/transfer/exporter.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { openSqlite } from '../contract/stores.js';
import { connected } from '../domain/builders.js';
import { RedisCluster } from '../storage/redis/redis-cluster.js';
import { bodyOf, collect, exportOf, fill, importInto, NOW_MS, PAGE_SIZE, record } from './transfer.js';

const SHARDS = 16;
const COUNT = 240;
const CHANGED = connected({ participant: 'changed', at: NOW_MS });

let cluster: RedisCluster;
let storage: RedisStorage;
let prefix: string;
beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  const log = pino({ level: 'silent' });
  const client = await openClient({ address: parseRedisUrl(cluster.url) }, log);
  prefix = `rollcall:${randomUUID()}`;
  const options = { description: '', sources: [BANDWIDTH], clock: systemClock, log, replayWindowMs: 0 };
  storage = new RedisStorage(client, { ...options, prefix, shards: SHARDS });
  await storage.open();
});
afterEach(() => storage.close());

/** Runs `work` while the primary of a shard does not answer, until it ends. */
async function withoutPrimary(work: () => Promise<void>): Promise<void> {
  await cluster.isComplete();
  const owner = await cluster.ownerOf(new Shard(prefix, 0).slot);
  cluster.nodes[owner]?.freeze(true);
  try {
    await work();
    expect(await cluster.ownerOf(new Shard(prefix, 0).slot)).not.toBe(owner);
  } finally {
    cluster.nodes[owner]?.freeze(false);
  }
}

describe('while a primary of a Redis Cluster is frozen', () => {
  it('an export waits until a replica has taken over, and has everybody', async () => {
    await fill(storage, COUNT);
    const text = bodyOf(await exportOf(storage));
    const chunks = new Exporter(storage, undefined, PAGE_SIZE).chunks();
    const begun = [(await chunks.next()).value, (await chunks.next()).value];
    await withoutPrimary(async () => {
      expect(bodyOf(begun.join('') + (await collect(chunks)))).toBe(text);
    });
  });

  it('an import waits for it, and misses nobody', async () => {
    const source = await openSqlite();
    await fill(source.storage, COUNT);
    const text = await exportOf(source.storage);
    await source.discard();
    await withoutPrimary(async () => {
      await importInto(storage, text);
    });
    expect(bodyOf(await exportOf(storage))).toBe(bodyOf(text));
  });
});

describe('while a part of the change feed cannot be read', () => {
  it('an export waits for it, and has whoever changed meanwhile', async () => {
    await fill(storage, COUNT);
    const chunks = new Exporter(storage, undefined, PAGE_SIZE).chunks();
    let begun = (await chunks.next()).value as string;
    await record(storage, [CHANGED]);
    // Until only who has changed meanwhile is missing: other reads fail, too, while a shard is unavailable.
    while (!begun.includes('{"webhooks":')) begun += (await chunks.next()).value;
    const { changes, slot } = new Shard(prefix, shardNumber(keyOf(CHANGED.subject), SHARDS));
    const owner = cluster.admins[await cluster.ownerOf(slot)] as Redis;
    await owner.rename(changes, `${changes}:aside`);
    await owner.set(changes, 'of the wrong type');
    const rest = collect(chunks);
    const isDone = rest.then(() => true);
    expect(await Promise.race([isDone, wait(1_500, false)])).toBe(false);
    await owner.rename(`${changes}:aside`, changes);
    const lines = (begun + (await rest)).split('\n').filter((line) => line.includes('"again":true'));
    expect(lines.map((line) => JSON.parse(line).participant)).toMatchObject([{ participantId: 'changed' }]);
  });
});
