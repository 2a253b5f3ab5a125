// The Compose files for Redis with Sentinels and for a Redis Cluster: docker-compose accepts them, Rollcall accepts its settings in
// them, and a real server starts with each command.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { eventually } from '../eventually.js';
import { findProgram } from '../find-program.js';
import { freePort } from '../free-port.js';
import { closeOnce } from '../leftovers.js';
import { documentedClusterUser, documentedUser } from '../storage/redis/acl-user.js';
import { DEPLOY } from './files.js';

const ADMIN_PASSWORD = 'a1'.repeat(32);
const USER_PASSWORD = 'b2'.repeat(32);
const SENTINEL_PASSWORD = 'c3'.repeat(32);
const VARIABLES = {
  REDIS_ADMIN_PASSWORD: ADMIN_PASSWORD,
  ROLLCALL_REDIS_PASSWORD: USER_PASSWORD,
  ROLLCALL_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
  API_KEYS: `ops:read:${'0'.repeat(64)}`,
  CALLBACK_SECRETS: 's'.repeat(32),
};
const { PATH = '' } = process.env;

interface ComposeService {
  readonly image?: string;
  readonly hostname?: string;
  readonly command: readonly [string, string, string];
  readonly environment: Readonly<Record<string, string>>;
  readonly depends_on: Readonly<Record<string, { readonly condition: string }>>;
}

/** The services as docker-compose completes them from the file and the variables. Throws what it reports. */
function rendered(
  file: string,
  variables: Readonly<Record<string, string>> = VARIABLES,
): Record<string, ComposeService> {
  const program = findProgram(['docker-compose'], 'docker-compose');
  const options = { encoding: 'utf8', env: { PATH, ...variables }, stdio: 'pipe' } as const;
  const text = execFileSync(program, ['-f', join(DEPLOY, file), 'config'], options);
  return (parse(text) as { services: Record<string, ComposeService> }).services;
}

/** Runs the command of a service with `edit` applied to it, in a folder of its own and on a free port. */
async function startServer(service: ComposeService | undefined, edit: (script: string) => string = (script) => script) {
  const [shell = '', flags = '', script = ''] = service?.command ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-compose-'));
  const port = await freePort();
  const own = edit(script.replaceAll('$$', '$'))
    .replace('/data/', `${folder}/`)
    .replace(/^exec redis-server (.*)$/m, `exec "$SERVER" $1 --bind 127.0.0.1 --port ${port}`);
  const env = { PATH, SERVER: findProgram(['redis-server', 'valkey-server'], 'redis-server'), ...service?.environment };
  const child = spawn(shell, [flags, own], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  closeOnce(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  return port;
}

/** A connection as one of the users. Retries until the server accepts it. */
function connect(port: number, username: string, password: string): Redis {
  const redis = new Redis({
    port,
    username,
    password,
    protocol: 2,
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
  });
  redis.on('error', () => {});
  closeOnce(() => redis.disconnect());
  return redis;
}

const FILES = [
  { file: 'compose.sentinel.yml', kind: 'sentinel', shards: 1, port: 26_379, user: documentedUser() },
  { file: 'compose.cluster.yml', kind: 'cluster', shards: 16, port: 6_379, user: documentedClusterUser() },
];

describe.each(FILES)('$file', ({ file, kind, shards, port, user }) => {
  it('is accepted by docker-compose, but not without its passwords and keys', () => {
    const variables = { ...VARIABLES };
    expect(Object.keys(rendered(file, variables))).toContain('rollcall');
    for (const name of Object.keys(VARIABLES).filter((one) => kind === 'sentinel' || !one.includes('SENTINEL'))) {
      expect(() => rendered(file, { ...variables, [name]: '' })).toThrow(/Missing mandatory value/);
    }
  });

  it('gives Rollcall settings that it accepts, and all servers of Redis', () => {
    const services = rendered(file);
    const { environment = {} } = services.rollcall ?? {};
    const { storePlace, warnings } = readConfig(DIALECTS, environment);
    const role = kind === 'sentinel' ? 'sentinel' : 'redis';
    const names = Object.keys(services).filter((name) => name.startsWith(`${role}-`));
    expect(warnings).toEqual([]);
    expect(storePlace).toMatchObject({
      redisShards: shards,
      redis: { kind, username: 'rollcall', password: USER_PASSWORD, servers: names.map((host) => ({ host, port })) },
    });
    expect(names.map((name) => services[name]?.hostname)).toEqual(names);
  });

  it('gives Rollcall the Redis user of the documentation', () => {
    const [name = '', on = '', , ...rules] = user;
    const line = `user ${name} ${on} >$$ROLLCALL_REDIS_PASSWORD ${rules.join(' ')}\n`;
    const servers = Object.entries(rendered(file)).filter(([service]) => /^redis-\d$/.test(service));
    expect(servers.filter(([, { command }]) => command[2].includes(line))).toHaveLength(kind === 'sentinel' ? 3 : 6);
  });
});

it('docker-compose.yml is accepted by docker-compose', () => {
  expect(Object.keys(rendered('../docker-compose.yml'))).toContain('rollcall');
});

/** The images are of Redis 7: an older server does not know some of the options. */
const version = execFileSync(findProgram(['redis-server', 'valkey-server'], 'redis-server'), ['--version'], {
  encoding: 'utf8',
});
const onImageVersion = /v=6\./.test(version) ? describe.skip : describe;

onImageVersion('a server starts with the command', () => {
  const SAFE = { appendonly: 'yes', 'maxmemory-policy': 'noeviction' };

  async function settingsOf(redis: Redis, ...names: string[]): Promise<Record<string, string>> {
    const reply = (await redis.config('GET', ...(names as [string]))) as string[];
    return Object.fromEntries(reply.flatMap((name, n) => (n % 2 === 0 ? [[name, reply[n + 1] ?? '']] : [])));
  }

  it('of a node of the cluster', async () => {
    const node = await startServer(rendered('compose.cluster.yml')['redis-1']);
    const redis = connect(node, 'default', ADMIN_PASSWORD);
    expect(await settingsOf(redis, ...Object.keys(SAFE), 'cluster-enabled', 'cluster-require-full-coverage')).toEqual({
      ...SAFE,
      'cluster-enabled': 'yes',
      'cluster-require-full-coverage': 'no',
    });
    expect(await connect(node, 'rollcall', USER_PASSWORD).cluster('SLOTS')).toEqual([]);
  });

  it('of a primary, of a replica, and of a Sentinel that names the primary to Rollcall', async () => {
    const services = rendered('compose.sentinel.yml');
    const toPrimary = (text: string) => text.replaceAll('$PRIMARY 6379', `127.0.0.1 ${primary}`);
    const primary = await startServer(services['redis-1']);
    const replica = await startServer(services['redis-2'], toPrimary);
    expect(await settingsOf(connect(primary, 'default', ADMIN_PASSWORD), ...Object.keys(SAFE))).toEqual(SAFE);
    const ofReplica = connect(replica, 'default', ADMIN_PASSWORD);
    await eventually(async () => expect(await ofReplica.info('replication')).toContain('master_link_status:up'));
    const sentinel = await startServer(services['sentinel-1'], (text) =>
      text.replace('redis-1 6379', `127.0.0.1 ${primary}`),
    );
    const asked = connect(sentinel, 'rollcall', SENTINEL_PASSWORD).call(
      'SENTINEL',
      'get-master-addr-by-name',
      'mymaster',
    );
    expect(await asked).toEqual(['127.0.0.1', String(primary)]);
  });
});
