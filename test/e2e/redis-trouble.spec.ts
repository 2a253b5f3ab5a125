// Problems with a reachable Redis while the service runs: another Redis in its place, a failover, missing permissions, keys of
// another program.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { documentedUser, urlOfUser } from '../storage/redis/acl-user.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { TcpProxy } from '../storage/redis/tcp-proxy.js';
import { type Service, startService } from './service.js';

const LONG_MS = 15_000;

describe('the service', () => {
  const closing: (() => unknown)[] = [];
  let server: RedisServer;
  let service: Service;
  beforeEach(async () => {
    server = await RedisServer.start('--repl-diskless-sync-delay', '0');
    closing.push(() => server.stop());
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function start(redisUrl: string): Promise<void> {
    service = await startService({ redisUrl, redisPrefix: 'rollcall' });
    closing.push(() => service.stop());
  }

  function client(url: string): Redis {
    const redis = new Redis(url, { protocol: 2 });
    closing.push(() => redis.disconnect());
    return redis;
  }

  async function proxied(): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(server.port);
    closing.push(() => proxy.stop());
    await start(`redis://127.0.0.1:${proxy.port}`);
    return proxy;
  }

  const linesWith = (text: string) => service.logged.filter(({ msg }) => String(msg).includes(text));
  const expectReady = (status: number) =>
    eventually(async () => expect((await service.request('/health/ready')).status).toBe(status), LONG_MS);
  let participants = 0;
  const newCallback = () => {
    participants += 1;
    return service.callback({ participantId: `p${participants}` });
  };

  it('never uses a database other than its own, even if Redis is replaced by one with fewer databases', async () => {
    await start(`${server.url}/15`);
    expect((await service.callback()).status).toBe(204);
    await server.kill();
    await server.restart(['--databases', '1']);
    await eventually(() => expect(linesWith('has no database 15')).toHaveLength(1), LONG_MS);
    for (let n = 0; n < 20; n += 1) expect((await newCallback()).status).toBe(503);
    expect((await service.request('/v1/participants')).status).toBe(503);
    await expectReady(503);
    expect(await client(server.url).dbsize()).toBe(0);
    await server.kill();
    await server.restart();
    await expectReady(200);
    expect((await newCallback()).status).toBe(204);
    expect(linesWith('has no database 15')).toHaveLength(1);
    expect(linesWith('is available')).toHaveLength(1);
  });

  it('stops using a Redis that is replaced by one that is too old, until a newer one replaces it', async () => {
    const proxy = await proxied();
    expect((await service.callback()).status).toBe(204);
    proxy.rewrite = (text) => text.replace(/redis_version:\d+\.\d+\.\d+/, 'redis_version:6.0.16');
    proxy.drop();
    await eventually(() => expect(linesWith('is version 6.0.16')).toHaveLength(1), LONG_MS);
    expect((await newCallback()).status).toBe(503);
    await expectReady(503);
    proxy.rewrite = (text) => text;
    await expectReady(200);
    expect((await newCallback()).status).toBe(204);
  });

  it.each([
    ['7', (text: string) => text],
    [
      '6.2, which wraps errors of scripts',
      (text: string) => text.replace(/^-(READONLY [^\r]*?) script: \w+, on @user_script:\d+\./m, in62),
    ],
  ])('follows a failover of Redis %s to the new primary, including the feed', async (_, rewrite) => {
    const next = await RedisServer.start();
    closing.push(() => next.stop());
    const proxy = await proxied();
    proxy.rewrite = rewrite;
    expect((await service.callback()).status).toBe(204);
    const { position } = (await service.request('/v1/participants')).json;
    // The connection that waits for changes is open but idle: Redis would close it if it were waiting.
    expect((await service.request(`/v1/changes?after=${position}&wait=1`)).json.items).toEqual([]);
    const [former, primary] = [client(server.url), client(next.url)];
    await primary.replicaof('127.0.0.1', server.port);
    await eventually(async () => expect(await primary.info('replication')).toContain('master_link_status:up'), LONG_MS);
    await primary.replicaof('NO', 'ONE');
    // Not a replica of the new primary: writes there must not become visible through the former one.
    await former.replicaof('127.0.0.1', 1);
    proxy.targetPort = next.port;
    await eventually(async () => expect((await newCallback()).status).toBe(204), LONG_MS);
    await expectReady(200);
    expect((await service.request(`/v1/changes?after=${position}`)).json.items.length).toBeGreaterThan(0);
    const ofService = async () =>
      String(await former.call('CLIENT', 'LIST', 'TYPE', 'normal')).match(/cmd=(?!client)/g);
    await eventually(async () => expect(await ofService()).toBeNull(), LONG_MS);
    const end = (await service.request('/v1/participants')).json.position;
    const woken = service.request(`/v1/changes?after=${end}&wait=30`);
    await eventually(async () => expect((await newCallback()).status).toBe(204), LONG_MS);
    expect((await woken).json.items.length).toBeGreaterThan(0);
    expect(linesWith('is a read-only replica')).toHaveLength(1);
    expect(linesWith('refuses')).toEqual([]);
  });

  const SETS = ['connected', 'reconnecting', 'gone', 'more', 'none', 'available', 'busy'];
  const OF_SOURCE = ['tags', ...SETS.map((set) => `state:${set}`)];
  it.each(['due', 'epoch', 'changes', 'sources', ...OF_SOURCE.map((key) => `s:bandwidth:${key}`)])(
    'is not ready when the key %s belongs to another program',
    async (key) => {
      await start(server.url);
      const redis = client(server.url);
      await redis.del(`rollcall:{0}:${key}`);
      await (key === 'epoch' ? redis.lpush(`rollcall:{0}:${key}`, 1) : redis.set(`rollcall:{0}:${key}`, 1));
      await expectReady(503);
      for (let n = 0; n < 10; n += 1) await newCallback();
      expect(linesWith('Redis refuses to store callbacks: WRONGTYPE, ')).toHaveLength(1);
      await redis.del(`rollcall:{0}:${key}`);
      await expectReady(200);
    },
  );

  it.each(['evalsha', 'zadd', 'zrem', 'xadd', 'mset', 'multi', 'mget'])(
    'is not ready with a user that may not run %s, and logs it once',
    async (command) => {
      const lacking = documentedUser().filter((rule) => rule !== `+${command}`);
      await start(await urlOfUser(server.url, lacking));
      await expectReady(503);
      for (let n = 0; n < 10; n += 1) await newCallback();
      const [line, ...others] = linesWith('Redis refuses to store callbacks');
      expect(others).toEqual([]);
      expect(line).toMatchObject({ level: 50, msg: expect.stringContaining('NOPERM, its user lacks a permission') });
      await urlOfUser(server.url, documentedUser());
      await expectReady(200);
      expect((await newCallback()).status).toBe(204);
    },
  );

  it('answers queries by label with 503 while Redis is gone, and goes on', async () => {
    service = await startService({ redisUrl: server.url, redisPrefix: 'rollcall', indexedLabels: ['team'] });
    closing.push(() => service.stop());
    const query = async () => (await service.request('/v1/participants?label.team=a')).status;
    await eventually(async () => expect(await query()).toBe(200), LONG_MS);
    await server.kill();
    for (let n = 0; n < 20; n += 1) expect(await query()).toBe(503);
    await server.restart();
    await eventually(async () => expect(await query()).toBe(200), LONG_MS);
  });

  it('shares one check of the store between concurrent readiness probes', async () => {
    await start(server.url);
    const redis = client(server.url);
    await redis.config('RESETSTAT');
    const answers = await Promise.all(Array.from({ length: 50 }, () => service.request('/health/ready')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const [, checks] = /cmdstat_multi:calls=(\d+)/.exec(await redis.info('commandstats')) ?? [];
    expect(Number(checks)).toBeGreaterThan(0);
    expect(Number(checks)).toBeLessThan(50);
  });

  it('is not ready when the memory of Redis is full, and its checks leave no data behind', async () => {
    await start(server.url);
    await expectReady(200);
    const redis = client(server.url);
    const before = (await redis.keys('*')).sort();
    const names = ['changes', 'epoch', 'meta', 'watch'];
    expect(before).toEqual(names.map((name) => `rollcall:{0}:${name}`));
    await redis.config('SET', 'maxmemory', '1');
    await expectReady(503);
    expect((await newCallback()).status).toBe(503);
    expect(linesWith('Redis refuses to store callbacks: OOM, its memory is full')).toHaveLength(1);
    await redis.config('SET', 'maxmemory', '0');
    await expectReady(200);
    expect((await service.request('/v1/participants?state=connected,reconnecting,gone')).json.items).toEqual([]);
    expect((await service.request('/v1/tags')).json.items).toEqual([]);
    expect(await redis.xlen('rollcall:{0}:changes')).toBe(1);
    expect((await redis.keys('*')).sort()).toEqual(before);
    await eventually(() => expect(linesWith('no longer refuses to store callbacks')).toHaveLength(1), LONG_MS);
    expect(linesWith('no longer refuses')).toMatchObject([
      { refused: expect.any(Number), durationMs: expect.any(Number) },
    ]);
  });
});

function in62(_: string, message: string): string {
  return `-ERR Error running script (call to f_0123456789012345678901234567890123456789): @user_script:12: @user_script: 12: -${message} `;
}
