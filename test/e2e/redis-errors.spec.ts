// Every error reply with which Redis may refuse a commit: the event is spooled, the log says what is wrong, and once the error is
// over the event is applied exactly once, even if the commit had been done.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { TcpProxy } from '../storage/redis/tcp-proxy.js';
import { startService } from './service.js';

let redis: RedisServer;
let proxy: TcpProxy;
beforeAll(async () => {
  redis = await RedisServer.start();
  proxy = await TcpProxy.start(redis.port);
});
afterAll(async () => {
  await proxy.stop();
  await redis.stop();
});

/** The reply to a commit without conflicts. */
const COMMITTED = /^\*0\r\n/;

it.each([
  ["READONLY You can't write against a read only replica.", /is a read-only replica/],
  ['LOADING Redis is loading the dataset in memory', /is loading its data/],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", /is a read-only replica/],
  ['CLUSTERDOWN The cluster is down', /refuses to store callbacks: CLUSTERDOWN, its cluster is down/],
  ['TRYAGAIN Multiple keys request during rehashing of slot', /TRYAGAIN, its cluster is moving a slot/],
  ['MOVED 3999 127.0.0.1:6381', /MOVED, it is a Redis Cluster of several nodes: use redis\+cluster:\/\//],
  ['ASK 3999 127.0.0.1:6381', /ASK, it is a Redis Cluster of several nodes/],
  ["CROSSSLOT Keys in request don't hash to the same slot", /CROSSSLOT, it does not keep keys with the same/],
  ["ERR unknown command 'evalsha', with args beginning with:", /ERR, it lacks a command that Rollcall needs/],
  ["OOM command not allowed when used memory > 'maxmemory'.", /OOM, its memory is full/],
  ['MISCONF Errors writing to the AOF file: No space left on device', /MISCONF, it cannot save its data to disk/],
  ['NOREPLICAS Not enough good replicas to write.', /NOREPLICAS, it has fewer replicas than min-replicas-to-write/],
  ['BUSY Redis is busy running a script.', /BUSY, a script of another program blocks it/],
])('%s', async (message, line) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-errors-'));
  const service = await startService({ redisUrl: `redis://127.0.0.1:${proxy.port}`, dataDir, spool: {} });
  try {
    const { position } = (await service.request('/v1/changes')).json;
    proxy.rewrite = (text) => text.replace(COMMITTED, `-${message}\r\n`);
    expect((await service.callback()).status).toBe(202);
    await eventually(() =>
      expect(service.logged).toContainEqual(expect.objectContaining({ level: 50, msg: expect.stringMatching(line) })),
    );
    proxy.rewrite = (text) => text;
    await eventually(() =>
      expect(service.logged).toContainEqual(expect.objectContaining({ msg: 'all spooled events have been applied' })),
    );
    const { json } = await service.request(`/v1/changes?after=${position}`);
    expect(json.items.map(({ type }: { type: string }) => type)).toEqual(['device.connected', 'participant.connected']);
  } finally {
    proxy.rewrite = (text) => text;
    await service.stop();
    rmSync(dataDir, { recursive: true });
  }
});

it('NOSCRIPT: the script is loaded again, and the callback stored', async () => {
  const service = await startService({ redisUrl: `redis://127.0.0.1:${proxy.port}` });
  let replies = 0;
  proxy.rewrite = (text) =>
    COMMITTED.test(text) && replies++ === 0 ? text.replace(COMMITTED, '-NOSCRIPT No matching script.\r\n') : text;
  expect((await service.callback()).status).toBe(204);
  expect(replies).toBeGreaterThan(0);
  proxy.rewrite = (text) => text;
  await service.stop();
});
