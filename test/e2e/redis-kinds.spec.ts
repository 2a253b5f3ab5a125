// Servers of the wrong kind for REDIS_URL, or with the wrong data for it: each is reported in one line that names what was tried.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { stringify } from 'yaml';
import { StartError } from '../../src/runtime/start-error.js';
import { eventually } from '../eventually.js';
import { findProgram } from '../find-program.js';
import { freePort } from '../free-port.js';
import { closeOnce } from '../leftovers.js';
import { RedisCluster } from '../storage/redis/redis-cluster.js';
import { RedisSentinels } from '../storage/redis/redis-sentinels.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, type ServiceOptions, startService } from './service.js';

const SECRET = 'hunter2';
const JARGON = /ioredis|RESP|ECONN|hunter2|undefined|\n/;

let server: RedisServer;
let sentinels: RedisSentinels;
let cluster: RedisCluster;
beforeAll(async () => {
  [server, sentinels, cluster] = await Promise.all([
    RedisServer.start(),
    RedisSentinels.start(),
    RedisCluster.start('--cluster-require-full-coverage', 'no'),
  ]);
});

let service: Service | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

async function startError(options: ServiceOptions): Promise<string> {
  const error = await startService(options).then(
    (started) => {
      service = started;
      return undefined;
    },
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartError);
  expect((error as Error).message).not.toMatch(JARGON);
  return (error as Error).message;
}

/** Expects the service to start, and to log one line like this. */
async function expectLine(options: ServiceOptions, line: RegExp): Promise<void> {
  const started = await startService(options);
  service = started;
  // Without what follows from it.
  const ofRedis = ({ level, msg }: Record<string, unknown>) =>
    level === 50 && !/^(deadlines|the change feed)/.test(String(msg));
  const errors = () => started.logged.filter(ofRedis).map(({ msg }) => String(msg));
  await eventually(() => expect(errors().filter((msg) => line.test(msg))).toHaveLength(1));
  expect(errors().join(' ')).not.toMatch(JARGON);
  expect((await started.request('/health/ready')).status).toBe(503);
  expect(errors()).toHaveLength(1);
}

/** Resolves with its port once it accepts connections. It divides the keys among the servers. */
async function startTwemproxy(ports: readonly number[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-twemproxy-'));
  const [port, statsPort] = [await freePort(), await freePort()];
  const servers = ports.map((one) => `127.0.0.1:${one}:1`);
  const pool = { listen: `127.0.0.1:${port}`, redis: true, hash_tag: '{}', distribution: 'ketama', servers };
  writeFileSync(join(folder, 'pools.yml'), stringify({ pool }));
  const args = ['-c', join(folder, 'pools.yml'), '-o', join(folder, 'log'), '-s', String(statsPort)];
  const child = spawn(findProgram(['nutcracker'], 'nutcracker'), args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  closeOnce(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  const redis = new Redis({ port, protocol: 2, enableReadyCheck: false, disableClientInfo: true });
  redis.on('error', () => {});
  await redis.set('key', 'value');
  redis.disconnect();
  return port;
}

describe('the service does not start', () => {
  it('with a master that the Sentinels do not know', async () => {
    const redisUrl = sentinels.url.replace('mymaster', 'other');
    expect(await startError({ redisUrl })).toMatch(
      /^Sentinel at 127\.0\.0\.1:\d+ knows no master with the name other: correct REDIS_URL$/,
    );
  });

  it('with a server that is not a Sentinel', async () => {
    expect(await startError({ redisUrl: `redis+sentinel://127.0.0.1:${server.port}/mymaster` })).toMatch(
      /^the server at 127\.0\.0\.1:\d+ is not a Sentinel: correct REDIS_URL$/,
    );
  });

  it('with a Sentinel instead of a server', async () => {
    const { port } = sentinels.sentinels[0] as RedisServer;
    expect(await startError({ redisUrl: `redis://127.0.0.1:${port}` })).toContain(
      'is a Sentinel, which stores no data',
    );
  });

  it('with a server that is not in a cluster', async () => {
    expect(await startError({ redisUrl: `redis+cluster://127.0.0.1:${server.port}` })).toMatch(
      /^Redis at 127\.0\.0\.1:\d+ is not in a cluster: use redis:\/\/ in REDIS_URL$/,
    );
  });

  it('with a wrong password for Sentinels, servers or nodes', async () => {
    const withPassword = (url: string) => url.replace('//', `//nobody:${SECRET}@`);
    for (const { url } of [server, sentinels, cluster]) {
      expect(await startError({ redisUrl: withPassword(url) })).toMatch(
        /^Redis at 127\.0\.0\.1:\d+ refused the password, or its user is unknown or disabled$/,
      );
    }
    const redisUrl = `${sentinels.url}?sentinelUsername=nobody&sentinelPassword=${SECRET}`;
    expect(await startError({ redisUrl })).toMatch(/^Sentinel at 127\.0\.0\.1:\d+ refused the password/);
  });

  it('with a node of a cluster that may evict presence', async () => {
    await cluster.admin(1).config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      expect(await startError({ redisUrl: cluster.url })).toContain(
        `Redis at 127.0.0.1:${cluster.nodes[1]?.port} may delete presence`,
      );
    } finally {
      await cluster.admin(1).config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  it('behind a proxy that does not support INFO', async () => {
    const lacking = await RedisServer.start('--rename-command', 'INFO', '');
    expect(await startError({ redisUrl: lacking.url })).toMatch(
      /does not support INFO: Rollcall needs a Redis or Valkey server without a proxy in front$/,
    );
    await lacking.stop();
  });

  it('with another number of shards than the data has', async () => {
    const options = { redisUrl: server.url, redisPrefix: 'kinds' };
    service = await startService({ ...options, redisShards: 2 });
    await service.stop();
    expect(await startError(options)).toMatch(/^REDIS_SHARDS is 1, but .* is in 2 shards: set REDIS_SHARDS=2, or /);
  });
});

describe('the log says in one line', () => {
  it('which Sentinels cannot be reached', async () => {
    const ports = [await freePort(), await freePort()];
    const redisUrl = `redis+sentinel://:${SECRET}@127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}/mymaster`;
    await expectLine({ redisUrl }, /^cannot reach Sentinel at 127\.0\.0\.1:\d+: connection refused; trying again$/);
  });

  it('which nodes cannot be reached', async () => {
    const ports = [await freePort(), await freePort()];
    const redisUrl = `redis+cluster://:${SECRET}@127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}`;
    const nodes = `127.0.0.1:${ports[0]}, 127.0.0.1:${ports[1]}`;
    await expectLine(
      { redisUrl },
      new RegExp(`^cannot reach Redis at any of ${nodes}: connection refused; trying again$`),
    );
  });

  it('that the server is a replica', async () => {
    const redisUrl = sentinels.servers[1].url;
    await expectLine({ redisUrl }, /^Redis at 127\.0\.0\.1:\d+ is a read-only replica; trying again$/);
  });

  it('that the server is a node of a cluster', async () => {
    // Whose slots do not include that of shard 0.
    const redisUrl = cluster.nodes[0]?.url ?? '';
    await expectLine(
      { redisUrl },
      /^Redis refuses to store callbacks: MOVED, it is a Redis Cluster of several nodes: use redis\+cluster:/,
    );
  });

  it.each([
    ['scripts', 'EVALSHA'],
    ['transactions', 'MULTI'],
  ])('that the server lacks %s', async (_, command) => {
    const lacking = await RedisServer.start('--rename-command', command, '');
    await expectLine(
      { redisUrl: lacking.url },
      /refuses to store callbacks: ERR, it lacks a command that Rollcall needs/,
    );
    await service?.stop();
    await lacking.stop();
  });

  it('that there is a proxy in front of several servers', async () => {
    const redisUrl = `redis://127.0.0.1:${await startTwemproxy([server.port, (await RedisServer.start()).port])}`;
    await expectLine(
      { redisUrl },
      /^cannot reach Redis at .*: connection closed before it answered; .*do not connect through a proxy such as Twemproxy/,
    );
  });
});

describe('the service works', () => {
  async function expectCallback(redisUrl: string): Promise<void> {
    service = await startService({ redisUrl });
    expect((await service.callback()).status).toBe(204);
    expect((await service.request('/v1/occupancy')).json.connected).toBe(1);
  }

  it('through a Unix socket', async () => {
    const socket = `/tmp/rollcall-${process.pid}.sock`;
    const local = await RedisServer.start('--unixsocket', socket);
    await expectCallback(`unix://${socket}?db=1`);
    const redis = new Redis({ path: socket, db: 1 });
    expect(await redis.dbsize()).toBeGreaterThan(0);
    redis.disconnect();
    await service?.stop();
    await local.stop();
  });

  it('with a user of the Sentinels that may ask for the master only', async () => {
    const rules = ['resetchannels', '-@all', '+sentinel|get-master-addr-by-name'];
    for (const { url } of sentinels.sentinels) {
      const admin = new Redis(url, { protocol: 2 });
      await admin.call('ACL', 'SETUSER', 'rollcall', 'on', `>${SECRET}`, ...rules);
      admin.disconnect();
    }
    await expectCallback(`${sentinels.url}?sentinelUsername=rollcall&sentinelPassword=${SECRET}`);
  });

  it('if one of several nodes or Sentinels in REDIS_URL can be reached', async () => {
    const gone = `127.0.0.1:${await freePort()}`;
    await expectCallback(`redis+cluster://${gone},127.0.0.1:${cluster.nodes[4]?.port}`);
    await service?.stop();
    const { port } = sentinels.sentinels[2] as RedisServer;
    await expectCallback(`redis+sentinel://${gone},127.0.0.1:${port}/mymaster`);
  });
});
