// Trimming blocks Redis, and reading an entry copies its changes: each trim may read only a few entries and drop a limited
// number, however many there are.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { SubjectKey } from '../../../src/storage/encoding/subject-key.js';
import type { Changeset, FeedLimits } from '../../../src/storage/ports.js';
import { indexOf } from '../../contract/index-entry.js';
import { type Service, startService } from '../../e2e/service.js';
import { RedisServer } from './redis-server.js';

const ENTRIES = 4_000;
const TEXT = 'x'.repeat(1_000);

function announcing(): Changeset {
  const key = randomUUID() as string as SubjectKey;
  return { key, before: null, after: { record: 'r', index: indexOf() }, changes: TEXT };
}

describe('trimming on Redis', () => {
  let server: RedisServer;
  let service: Service;
  let redis: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    service = await startService({ redisUrl: server.url, redisPrefix: 'rollcall' });
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await service.stop();
    await server.stop();
  });

  /** The commands with which scripts read the feed during one trim. */
  async function readsOfTrim(limits: FeedLimits): Promise<string[][]> {
    const monitor = await redis.monitor();
    const reads: string[][] = [];
    monitor.on('monitor', (_time, [name = '', key, ...args]: string[], source: string) => {
      if (source === 'lua' && /^X(REV)?RANGE$/i.test(name) && key === 'rollcall:{0}:changes') reads.push(args);
    });
    await service.storage.feed.trim(limits);
    const end = randomUUID();
    const ended = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time, args: string[]) => args.includes(end) && resolve());
    });
    await redis.echo(end);
    await ended;
    monitor.disconnect();
    await once(monitor, 'end');
    return reads;
  }

  it.each([
    ['is too large', { retentionMs: 86_400_000, maxBytes: 100_000 }],
    ['has expired entries', { retentionMs: 1, maxBytes: 1e9 }],
    ['is within its limits', { retentionMs: 86_400_000, maxBytes: 1e9 }],
  ])('reads few entries, one at a time, and drops a limited number when the feed %s', async (_what, limits) => {
    for (let n = 0; n < ENTRIES; n += 200)
      await service.storage.records.commit(Array.from({ length: 200 }, announcing));
    const before = await redis.xlen('rollcall:{0}:changes');
    const reads = await readsOfTrim(limits);
    expect(reads.length).toBeGreaterThan(0);
    expect(reads.length).toBeLessThanOrEqual(60);
    for (const args of reads) expect(args.slice(-2)).toEqual(['COUNT', '1']);
    expect(before - (await redis.xlen('rollcall:{0}:changes'))).toBeLessThanOrEqual(1_000);
    while (await service.storage.feed.trim(limits));
    const kept = await redis.xlen('rollcall:{0}:changes');
    expect(kept * TEXT.length).toBeLessThanOrEqual(limits.maxBytes + 2 * TEXT.length);
  });
});
