// DURABILITY: when a commit to Redis is acknowledged.
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { StartError } from '../../src/runtime/start-error.js';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, startService } from './service.js';

let primary: RedisServer;
let replica: RedisServer;
let service: Service | undefined;
beforeEach(async () => {
  primary = await RedisServer.start('--repl-diskless-sync-delay', '0');
  replica = await RedisServer.start();
});
afterEach(async () => {
  replica.freeze(false);
  await service?.stop();
  await replica.stop();
  await primary.stop();
});

it('replica: a callback is answered with 204 once a replica has it, and spooled while none does', async () => {
  const admin = new Redis(replica.url);
  await admin.replicaof('127.0.0.1', primary.port);
  await eventually(async () => expect(await admin.info('replication')).toContain('master_link_status:up'));
  service = await startService({ redisUrl: primary.url, durability: 'replica', spool: {} });
  expect((await service.callback({ participantId: 'a' })).status).toBe(204);
  expect(await admin.exists((await admin.keys('*p:a'))[0] ?? '')).toBe(1);
  replica.freeze(true);
  expect((await service.callback({ participantId: 'b' })).status).toBe(202);
  const line =
    'Redis refuses to store callbacks: not durable in time, see DURABILITY and the replicas or the disk of Redis';
  expect(service.logged).toContainEqual(
    expect.objectContaining({ msg: line, reason: 'no replica has confirmed the commit' }),
  );
  // Visible, but not acknowledged as durable: it stays in the spool.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect((await service.request('/health/ready')).json).toMatchObject({
    status: 'ok',
    details: { spool: { events: 1 } },
  });
  replica.freeze(false);
  const { logged } = service;
  await eventually(() => expect(logged.map(({ msg }) => msg)).toContain('all spooled events have been applied'));
  expect(await admin.keys('*p:b')).toHaveLength(1);
  admin.disconnect();
});

it('fsync needs a server that can wait for its disk', async () => {
  const starting = startService({ redisUrl: primary.url, durability: 'fsync' });
  await expect(starting).rejects.toThrow(StartError);
  await expect(starting).rejects.toThrow(/is version 7\.0\.\d+: DURABILITY=fsync needs Redis or Valkey 7\.2 or later$/);
});
