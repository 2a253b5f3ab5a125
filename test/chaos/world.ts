// A service with its store, as real processes: on SQLite, or on Redis behind proxies that can break the connection.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceProcess } from '../e2e/process.js';
import { freePort } from '../free-port.js';
import { RedisCluster } from '../storage/redis/redis-cluster.js';
import { RedisSentinels } from '../storage/redis/redis-sentinels.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { TcpProxy } from '../storage/redis/tcp-proxy.js';

export const GRACE_MS = 1_000;
/** Syncs each write to the disk, and so loses nothing when it is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** Of a cluster: so many that each of its three primaries has several. */
export const SHARDS = 16;

export interface WorldOptions {
  readonly store: 'sqlite' | 'redis' | 'sentinels' | 'cluster';
  readonly redisSettings?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  /** Runs the service with a limit on the size of its files, in KiB. */
  readonly maxFileKib?: number;
}

/** Those of the store that there is. */
interface Servers {
  readonly redis?: RedisServer;
  readonly proxy?: TcpProxy;
  readonly sentinels?: RedisSentinels;
  readonly cluster?: RedisCluster;
}

export class World {
  service!: ServiceProcess;
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'rollcall-chaos-'));

  private constructor(
    private readonly options: WorldOptions,
    private readonly port: number,
    private readonly servers: Servers,
  ) {}

  static async start(options: WorldOptions): Promise<World> {
    const world = new World(options, await freePort(), await startServers(options));
    await world.startService();
    return world;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get redis(): RedisServer {
    return existing(this.servers.redis);
  }

  /** In front of `redis`. */
  get proxy(): TcpProxy {
    return existing(this.servers.proxy);
  }

  get sentinels(): RedisSentinels {
    return existing(this.servers.sentinels);
  }

  get cluster(): RedisCluster {
    return existing(this.servers.cluster);
  }

  async startService(): Promise<void> {
    const { maxFileKib, settings } = this.options;
    const limited = ['bash', '-c', `ulimit -f ${maxFileKib} && exec "$0" "$@"`, process.execPath];
    const command = maxFileKib === undefined ? [process.execPath] : limited;
    this.service = ServiceProcess.spawn(
      {
        PORT: String(this.port),
        DATA_DIR: this.#dataDir,
        GRACE_MS: String(GRACE_MS),
        OVERLAP_MS: '0',
        LOG_LEVEL: 'info',
        ...this.#redisSettings,
        ...settings,
      },
      { command },
    );
    await this.service.listensOrEnds();
  }

  async killService(): Promise<void> {
    await this.service.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.service.end('SIGKILL');
    const { proxy, redis, sentinels, cluster } = this.servers;
    for (const server of [proxy, redis, sentinels, cluster]) await server?.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  get #redisSettings(): Record<string, string> {
    const { proxy, sentinels, cluster } = this.servers;
    if (proxy) return { REDIS_URL: `redis://127.0.0.1:${proxy.port}` };
    if (sentinels) return { REDIS_URL: sentinels.url };
    return cluster ? { REDIS_URL: cluster.url, REDIS_SHARDS: String(SHARDS) } : {};
  }
}

async function startServers({ store, redisSettings }: WorldOptions): Promise<Servers> {
  switch (store) {
    case 'sqlite':
      return {};
    case 'redis': {
      const redis = await RedisServer.start(...(redisSettings ?? DURABLE));
      return { redis, proxy: await TcpProxy.start(redis.port) };
    }
    case 'sentinels':
      return { sentinels: await RedisSentinels.startBehindProxy() };
    case 'cluster':
      return { cluster: await RedisCluster.startBehindProxies('--cluster-require-full-coverage', 'no') };
  }
}

export function existing<T>(server: T | undefined): T {
  if (server === undefined) throw new Error('this world has no such server');
  return server;
}
