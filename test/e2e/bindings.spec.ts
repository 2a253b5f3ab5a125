// The binding of a minted URL when Redis loses its data and two processes have different bindings in memory.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisServer } from '../storage/redis/redis-server.js';
import { SEED, type Service, startService } from './service.js';

const ACCESS = {
  callbackSecrets: ['a-callback-secret-of-32-characters-or-more'],
  publicUrl: 'https://rollcall.example.com',
};

describe('a minted URL, used through two processes on one Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  let services: [Service, Service];
  let path: string;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    const options = { access: ACCESS, redisUrl: server.url, redisPrefix: 'rollcall' };
    services = [await startService(options), await startService(options)];
    const { json } = await services[0].post('/v1/callback-urls', { source: 'bandwidth' });
    path = new URL(json.callbackUrl).pathname;
  });
  afterEach(() => Promise.all(services.map((service) => service.stop())));

  const send = async (service: number, participantId: string) =>
    (await services[service]?.post(path, { ...SEED, participantId }))?.status;

  it('is never bound to two participants when the store loses its data', async () => {
    expect(await send(0, 'first')).toBe(204);
    await redis.flushall();
    expect(await send(1, 'second')).toBe(204);
    expect(await send(0, 'first')).toBe(403);
    expect(await send(0, 'second')).toBe(204);
    expect(await send(1, 'first')).toBe(403);
    const refused = services[0].logged.filter(({ reason }) => reason === 'wrong-participant');
    expect(refused).toMatchObject([{ level: 40, ref: expect.any(String) }]);
  });

  it('stays bound in the process that remembers it, and then in all of them', async () => {
    expect(await send(0, 'first')).toBe(204);
    await redis.flushall();
    expect(await send(0, 'second')).toBe(403);
    expect(await send(1, 'second')).toBe(403);
    expect(await send(1, 'first')).toBe(204);
  });
});
