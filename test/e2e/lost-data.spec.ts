// Redis loses commits that it acknowledged. The service notices, applies the newest events again, and reports what is lost for good.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../src/runtime/clock.js';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { TcpProxy } from '../storage/redis/tcp-proxy.js';
import { type Service, type ServiceOptions, startService } from './service.js';

const WATCH_KEY = 'lost-test:{0}:watch';
const RESTORED = 'the store had lost events that were acknowledged; they were applied again';

describe('when Redis loses data', () => {
  let redis: RedisServer;
  let service: Service;
  let admin: Redis;
  beforeEach(async () => {
    redis = await RedisServer.start();
    admin = new Redis(redis.url, { retryStrategy: () => 50 });
    admin.on('error', () => {});
  });
  afterEach(async () => {
    admin.disconnect();
    await service.stop();
    await redis.stop();
  });

  async function start(options: ServiceOptions = {}): Promise<void> {
    service = await startService({ redisUrl: redis.url, replayWindowMs: 60_000, ...options });
  }
  async function arrive(first: number, count: number): Promise<void> {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, n) => service.callback({ participantId: `p${first + n}` })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
  }
  const restored = () => service.logged.find(({ msg }) => msg === RESTORED);
  const connected = async () => (await service.request('/v1/occupancy')).json.connected;
  const incidents = async () => (await service.request('/v1/incidents')).json.items;

  /** Until the service has looked for lost data that often again: the first time, it learns that there is data. */
  async function checksPassed(count: number): Promise<void> {
    const checks = async () => Number(await admin.get((await admin.keys('*:watch'))[0] ?? ''));
    const before = await checks();
    await eventually(async () => expect(await checks()).toBeGreaterThanOrEqual(before + count));
  }

  it('by a failover to a replica that lacked the newest commits, nothing acknowledged is lost', async () => {
    const replica = await RedisServer.start();
    const proxy = await TcpProxy.start(redis.port);
    const replicaAdmin = new Redis(replica.url);
    try {
      await replicaAdmin.replicaof('127.0.0.1', redis.port);
      await start({ redisUrl: `redis://127.0.0.1:${proxy.port}` });
      await arrive(0, 30);
      await eventually(async () => expect(await replicaAdmin.dbsize()).toBe(await admin.dbsize()));
      await replicaAdmin.replicaof('NO', 'ONE');
      await arrive(30, 40);
      proxy.targetPort = replica.port;
      await redis.kill();
      await eventually(() => expect(restored()).toMatchObject({ level: 40, events: 70, restored: 40 }));
      expect(await connected()).toBe(70);
      expect(await incidents()).toEqual([]);
    } finally {
      replicaAdmin.disconnect();
      await service.stop();
      await proxy.stop();
      await replica.stop();
    }
  });

  it('by a restart without its data, the newest events are applied again, and an operator is told', async () => {
    await start();
    await arrive(0, 30);
    await redis.kill();
    await redis.restart();
    await eventually(() => expect(restored()).toMatchObject({ restored: 30 }));
    expect(await connected()).toBe(30);
    await eventually(async () => expect(await incidents()).toHaveLength(1));
    const [{ id, kind, detectedAt }] = await incidents();
    expect(kind).toBe('store-emptied');
    expect(Math.abs(Date.parse(detectedAt) - Date.now())).toBeLessThan(60_000);
    await eventually(async () =>
      expect((await service.request('/health/ready')).json.details.incidents).toEqual({ status: 'up', open: 1 }),
    );
    const acknowledge = () => service.request(`/v1/incidents/${id}/acknowledge`, { method: 'POST' });
    expect((await acknowledge()).status).toBe(204);
    expect(await acknowledge()).toMatchObject({ status: 404, json: { type: 'urn:rollcall:problem:unknown-incident' } });
    expect(await incidents()).toEqual([]);
  });

  it('after an outage that is longer than REPLAY_WINDOW_MS, what was recorded shortly before it is applied again', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-lost-'));
    await start({ replayWindowMs: 1_000, dataDir, spool: {} });
    await arrive(0, 10);
    await redis.kill();
    await wait(3_000);
    expect((await service.callback({ participantId: 'spooled' })).status).toBe(202);
    await redis.restart();
    await eventually(() => expect(restored()).toMatchObject({ restored: 10 }));
    await eventually(async () => expect(await connected()).toBe(11));
    rmSync(dataDir, { recursive: true });
  });

  it('by FLUSHALL, the same without a reconnect', async () => {
    await start();
    await arrive(0, 5);
    await checksPassed(2);
    await admin.flushall();
    await eventually(() => expect(restored()).toMatchObject({ restored: 5 }));
    expect(await connected()).toBe(5);
    expect(await incidents()).toMatchObject([{ kind: 'store-emptied' }]);
  });

  it('by FLUSHALL, labels are indexed again', async () => {
    await start({ indexedLabels: ['call'] });
    await arrive(0, 5);
    const search = async () => (await service.request('/v1/participants?label.call=42')).status;
    await eventually(async () => expect(await search()).toBe(200));
    await checksPassed(2);
    await admin.flushall();
    await eventually(() => expect(restored()).toMatchObject({ restored: 5 }));
    await eventually(async () => expect(await search()).toBe(200));
  });

  it('by a restart with older data than REPLAY_WINDOW_MS can restore, an operator is told from when on', async () => {
    await start({ replayWindowMs: 1_000 });
    await arrive(0, 5);
    await checksPassed(2);
    const savedMs = Date.now();
    await admin.save();
    await arrive(5, 5);
    // More than REPLAY_WINDOW_MS before the newest one.
    await checksPassed(3);
    await redis.kill();
    await redis.restart();
    await eventually(async () => expect(await incidents()).toMatchObject([{ kind: 'store-rolled-back' }]));
    const [{ lostFrom }] = await incidents();
    expect(Math.abs(Date.parse(lostFrom) - savedMs)).toBeLessThan(2_500);
    expect(await connected()).toBe(5);
    expect(service.logged).toContainEqual(
      expect.objectContaining({ level: 50, msg: expect.stringContaining('Redis came back with older data') }),
    );
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['empty', 'store-emptied', () => admin.flushall()],
    ['with older data', 'store-rolled-back', () => admin.decrby(WATCH_KEY, 100)],
  ])('and comes back %s while the service is restarted, an operator is told', async (_, kind, lose) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-lost-'));
    const options = { dataDir, spool: {}, redisPrefix: 'lost-test' };
    await start(options);
    await arrive(0, 5);
    await checksPassed(2);
    await service.stop();
    // With all data, nothing is reported.
    await start(options);
    await checksPassed(2);
    expect(await incidents()).toEqual([]);
    await service.stop();
    await lose();
    await start(options);
    await eventually(async () => expect(await incidents()).toMatchObject([{ kind }]));
    await service.stop();
    // Once is enough.
    await start(options);
    await checksPassed(2);
    expect(await incidents()).toHaveLength(1);
    rmSync(dataDir, { recursive: true });
  });

  it('by nothing but a restart with all of its data, nothing is restored or reported', async () => {
    await redis.stop();
    redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    await start({ logLevel: 'trace' });
    await arrive(0, 10);
    await redis.kill();
    await redis.restart();
    await eventually(() =>
      expect(service.logged).toContainEqual(
        expect.objectContaining({ msg: expect.stringContaining('none was missing') }),
      ),
    );
    expect(await incidents()).toEqual([]);
    expect(await connected()).toBe(10);
  });
});

describe('a clock that differs from that of Redis', () => {
  it.each([
    [3_000, 200],
    [-120_000, 503],
  ])('by %d ms is warned of once, and beyond a minute the service is not ready', async (aheadMs, status) => {
    const redis = await RedisServer.start();
    const clock = { ...systemClock, now: () => Date.now() + aheadMs };
    const service = await startService({ redisUrl: redis.url, clock });
    const ready = await service.request('/health/ready');
    expect(ready.status).toBe(status);
    const { aheadMs: measured } = ready.json.details.clock;
    expect(Math.abs(measured - aheadMs)).toBeLessThan(500);
    await wait(2_500);
    const warnings = service.logged.filter(({ msg }) =>
      String(msg).startsWith('the clocks of this machine and of Redis'),
    );
    expect(warnings).toHaveLength(1);
    await service.stop();
    await redis.stop();
  });
});
