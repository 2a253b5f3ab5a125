// A part of the feed that is unavailable while it is read counts as not read yet, and damaged events keep their numbers.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { FeedReader } from '../../src/feed/feed-reader.js';
import { systemClock } from '../../src/runtime/clock.js';
import { type FeedStore, StoreUnavailableError } from '../../src/storage/ports.js';
import { openClient } from '../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../src/storage/redis/client/parse-redis-url.js';
import { RedisStorage } from '../../src/storage/redis/redis-storage.js';
import { Shard } from '../../src/storage/redis/shard.js';
import { readAgain } from '../../src/webhooks/delivery/feed-consumer.js';
import { refOf } from '../../src/webhooks/delivery/message.js';
import { OccupancyCounts } from '../../src/webhooks/occupancy/occupancy-counts.js';
import { occupiedBefore } from '../../src/webhooks/occupancy/occupied-tags.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { parseSeries } from '../e2e/scrape.js';
import { type Service, startService } from '../e2e/service.js';
import { WebhookReceiver } from '../e2e/webhook-receiver.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { OccupancyHistory } from './occupancy-history.js';

const PREFIX = 'faulty';
const log = pino({ level: 'silent' });

describe('webhooks on a Redis', () => {
  let redis: RedisServer;
  let commands: Redis;
  let storage: RedisStorage;
  beforeEach(async () => {
    redis = await RedisServer.start();
    commands = new Redis(redis.url);
    const client = await openClient({ address: parseRedisUrl(redis.url) }, log);
    const options = { description: 'Redis', prefix: PREFIX, shards: 2, sources: [BANDWIDTH], clock: systemClock, log };
    storage = new RedisStorage(client, { ...options, replayWindowMs: 0 });
  });
  afterEach(async () => {
    await storage.close();
    commands.disconnect();
    await redis.stop();
  });

  /** A shard cannot be read, but everything else works before and after that. */
  const readerWithout = (shard: number) => {
    const { changes } = new Shard(PREFIX, shard);
    const read = async (...args: Parameters<FeedStore['read']>) => {
      await commands.rename(changes, `${changes}:aside`);
      await commands.set(changes, 'of the wrong type');
      const entries = await storage.feed.read(...args);
      await commands.rename(`${changes}:aside`, changes);
      return entries;
    };
    return new FeedReader(Object.assign(Object.create(storage.feed), { read }), log);
  };
  const fill = async () => {
    const history = new OccupancyHistory(storage, new ManualClock(Date.now()));
    const start = await storage.feed.end();
    for (let n = 0; n < 20; n += 1) await history.set(`p-${n}`, `tag-${n}`, 'connected');
    return start;
  };

  it('are read again whole, or not at all', async () => {
    const position = await fill();
    const cursor = await storage.feed.end();
    const reader = new FeedReader(storage.feed, log);
    const page = await reader.page(position);
    const refs = new Set(
      page?.changes.map(({ shard, shardPosition }) =>
        refOf({ shard, position: position.map((one, n) => (n === shard ? shardPosition : one)) }),
      ),
    );
    expect(refs.size).toBe(20);
    const asked = { position, cursor, refs };
    for (const shard of [0, 1]) {
      const parts = { reader: readerWithout(shard), feed: storage.feed };
      await expect(readAgain(parts, asked)).rejects.toThrow(StoreUnavailableError);
    }
    const found = await readAgain({ reader, feed: storage.feed }, asked);
    expect(new Set(found.map(({ ref }) => ref))).toEqual(refs);
  });

  it('begin with the tags that are occupied, or not at all', async () => {
    const start = await fill();
    const parts = { feed: storage.feed, counts: new OccupancyCounts(storage.index) };
    for (const shard of [0, 1]) {
      await expect(occupiedBefore({ ...parts, reader: readerWithout(shard) }, start)).rejects.toThrow(
        StoreUnavailableError,
      );
    }
    const reader = new FeedReader(storage.feed, log);
    expect((await occupiedBefore({ ...parts, reader }, start)).tags.size).toBe(0);
    expect((await occupiedBefore({ ...parts, reader }, undefined)).tags.size).toBe(20);
  });

  it('let the service stop while a delivery waits for a part of the feed', async () => {
    const receiver = await WebhookReceiver.start();
    receiver.answer = (_webhook, response) => void response.writeHead(503).end();
    const start = () => startService({ redisUrl: redis.url, redisPrefix: 'stopping', redisShards: 2, webhooks: {} });
    const call = (service: Service, method: string, path: string, body: object) =>
      service.request(`/v1/webhooks/endpoints${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const first = await start();
    const { id } = (await call(first, 'POST', '', { url: receiver.url })).json;
    await first.callback();
    const state = async (service: Service) => JSON.parse((await service.storage.deliveries.state(id)) ?? '{}');
    await eventually(async () => expect((await state(first)).messages?.length).toBeGreaterThan(0));
    await first.stop();
    const { changes } = new Shard('stopping', 1);
    await commands.rename(changes, `${changes}:aside`);
    await commands.set(changes, 'of the wrong type');
    const second = await start();
    const delivering = async () =>
      parseSeries((await second.request('/metrics')).text).get('rollcall_webhook_endpoints{state="delivering"}');
    await eventually(async () => expect(await delivering()).toBe(1));
    await call(second, 'PATCH', `/${id}`, { description: 'changed' });
    // Until the delivery has been told.
    for (let n = 0; n < 10; n += 1) await delivering();
    await second.stop();
    receiver.stop();
  });

  it('know the number of an event whose text is damaged', async () => {
    const job = { name: 'job', token: Number(await storage.leases.acquire('job', 60_000)) };
    const events = [1, 2].map((number) => ({ number, atMs: number, text: 'text' }));
    await storage.occupancyEvents.save(job, { state: null, tags: new Map(), events }, { maxCount: 9, oldestMs: 0 });
    const { occupancyEvents } = new Shard(PREFIX, 0);
    await commands.zremrangebyscore(occupancyEvents, 2, 2);
    await commands.zadd(occupancyEvents, 2, 'damaged');
    expect((await storage.occupancyEvents.events(0, 10)).map(({ number }) => number)).toEqual([1, 2]);
    expect(await storage.occupancyEvents.newestNumber()).toBe(2);
  });
});
