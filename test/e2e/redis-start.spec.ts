// How the service reports a Redis that it cannot use when it starts.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { StartError } from '../../src/runtime/start-error.js';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { TcpProxy } from '../storage/redis/tcp-proxy.js';
import { type Service, startService } from './service.js';

const PASSWORD = 'hunter2/%@';
const JARGON = /ioredis|RESP|ECONN|EAI|ENOT|writeable|offline|hunter2|undefined|\n/;

describe('the start of the service', () => {
  let server: RedisServer;
  let locked: RedisServer;
  let proxy: TcpProxy;
  beforeAll(async () => {
    server = await RedisServer.start('--databases', '4');
    locked = await RedisServer.start('--requirepass', PASSWORD);
    proxy = await TcpProxy.start(server.port);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
    await locked.stop();
  });

  let started: Service | undefined;
  afterEach(async () => {
    await started?.stop();
    started = undefined;
  });

  async function startError(redisUrl: string): Promise<unknown> {
    try {
      started = await startService({ redisUrl });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  it.each([
    ['a database that does not exist', () => `${server.url}/4`, /^Redis at 127\.0\.0\.1:\d+ has no database 4$/],
    ['no password', () => locked.url, /requires a password: add it to REDIS_URL$/],
    ['a wrong password', () => locked.url.replace('//', '//:hunter2@'), /refused the password$/],
    [
      'an unknown user',
      () => locked.url.replace('//', '//rollcall:hunter2@'),
      /refused the password, or its user is unknown or disabled$/,
    ],
  ])('fails for %s with one line', async (_, url, line) => {
    const error = await startError(url());
    expect(error).toBeInstanceOf(StartError);
    expect((error as Error).message).toMatch(line);
    expect((error as Error).message).not.toMatch(JARGON);
  });

  it.each([
    ['6.0.16', true],
    ['5.0.14', true],
    ['6.2.22', false],
    ['8.2.10', false],
  ])('checks the version of Redis: %s', async (version, isOld) => {
    // Must have the length of the real version, since the reply contains its own length.
    proxy.rewrite = (text) => text.replace(/redis_version:\d+\.\d+\.\d+/, `redis_version:${version}`);
    const outcome = await startError(`redis://127.0.0.1:${proxy.port}`);
    if (isOld) {
      expect(outcome).toBeInstanceOf(StartError);
      expect((outcome as Error).message).toContain(
        `is version ${version}: Rollcall needs Redis 6.2, Valkey 7.2 or later`,
      );
    } else {
      expect((await started?.callback())?.status).toBe(204);
    }
  });

  it.each(['allkeys-lru', 'volatile-ttl'])(
    'refuses a Redis that may evict presence (%s), unless allowed',
    async (policy) => {
      const evicting = await RedisServer.start('--maxmemory-policy', policy);
      try {
        const error = await startError(evicting.url);
        expect(error).toBeInstanceOf(StartError);
        expect((error as Error).message).toMatch(
          /may delete presence when its memory is full .*: put "maxmemory-policy noeviction" into redis\.conf, or set UNSAFE_REDIS=eviction$/,
        );
        started = await startService({ redisUrl: evicting.url, unsafeRedis: ['eviction'] });
        expect((await started.callback()).status).toBe(204);
      } finally {
        await started?.stop();
        await evicting.stop();
      }
    },
  );

  it('starts with an older Redis if that is allowed', async () => {
    proxy.rewrite = (text) => text.replace(/redis_version:\d+\.\d+\.\d+/, 'redis_version:6.0.16');
    started = await startService({ redisUrl: `redis://127.0.0.1:${proxy.port}`, unsafeRedis: ['old-version'] });
    expect((await started.callback()).status).toBe(204);
  });

  it('warns of a Redis without a file, with the line for redis.conf', async () => {
    started = await startService({ redisUrl: server.url });
    const warnings = started.logged.filter(({ msg }) => String(msg).startsWith('Redis has no append-only file'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.msg).toContain('Put "appendonly yes" into redis.conf');
  });

  it('supports a password with any characters', async () => {
    const url = locked.url.replace('//', `//:${encodeURIComponent(PASSWORD)}@`);
    expect(await startError(`${url}/3`)).toBeUndefined();
    expect((await started?.callback())?.status).toBe(204);
    const redis = new Redis({ port: locked.port, password: PASSWORD, db: 3 });
    expect(await redis.dbsize()).toBeGreaterThan(0);
    await redis.select(0);
    expect(await redis.dbsize()).toBe(0);
    await redis.quit();
  });
});

describe('a Redis that cannot be reached is reported in one line', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function listening(server: Server): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  async function fullServer(): Promise<number> {
    const server = await RedisServer.start('--maxclients', '1');
    const redis = new Redis(server.url);
    await redis.ping();
    closing.push(
      () => server.stop(),
      () => redis.disconnect(),
    );
    return server.port;
  }

  async function closedPort(): Promise<number> {
    const server = createServer();
    const port = await listening(server);
    server.close();
    return port;
  }

  it.each<[string, () => Promise<string>, string]>([
    ['when nothing listens', async () => `redis://127.0.0.1:${await closedPort()}`, 'connection refused'],
    [
      'when nothing listens on any address of a host name',
      async () => `redis://localhost:${await closedPort()}`,
      'connection refused',
    ],
    ['when the host is unknown', async () => 'redis://nowhere.invalid:6379', 'host not found'],
    [
      'when it does not answer',
      async () => `redis://127.0.0.1:${await listening(createServer())}`,
      'no answer in time',
    ],
    [
      'when a web server answers',
      async () => `redis://127.0.0.1:${await listening(createHttpServer())}`,
      'does not speak the Redis protocol',
    ],
    [
      'when it expects TLS',
      async () => `redis://127.0.0.1:${await listening(createTlsServer())}`,
      'use rediss:// if it expects TLS',
    ],
    [
      'when it does not support TLS',
      async () => {
        const server = await RedisServer.start();
        closing.push(() => server.stop());
        return server.url.replace('redis:', 'rediss:');
      },
      'TLS',
    ],
    [
      'when it has too many clients',
      async () => `redis://127.0.0.1:${await fullServer()}`,
      'maximum number of clients (maxclients)',
    ],
  ])('%s', async (_, makeUrl, reason) => {
    const url = (await makeUrl()).replace('//', '//user:hunter2@');
    const service = await startService({ redisUrl: url });
    closing.push(() => service.stop());
    const ready = await service.request('/health/ready');
    expect(ready.status).toBe(503);
    await eventually(() => expect(service.logged.filter(({ level }) => level === 50)).not.toEqual([]));
    const lines = service.logged.map(({ msg }) => String(msg)).filter((msg) => msg.includes(new URL(url).host));
    expect(lines).toEqual([expect.stringContaining(reason)]);
    expect(lines[0]).toMatch(/; trying again$/);
    expect(JSON.stringify(service.logged)).not.toMatch(/ioredis|RESP|ECONN|EAI_|ENOTF|writeable|hunter2/);
  });
});
