// A service with its store, as real processes: on SQLite, or on Redis behind a proxy that can break the connection.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceProcess } from '../e2e/process.js';
import { freePort } from '../free-port.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { TcpProxy } from '../storage/redis/tcp-proxy.js';

export const GRACE_MS = 1_000;
/** Syncs each write to the disk, and so loses nothing when it is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

export interface WorldOptions {
  readonly store: 'sqlite' | 'redis';
  readonly redisSettings?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  /** Runs the service with a limit on the size of its files, in KiB. */
  readonly maxFileKib?: number;
}

export class World {
  service!: ServiceProcess;
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'rollcall-chaos-'));

  private constructor(
    private readonly options: WorldOptions,
    private readonly port: number,
    private readonly redisServer: RedisServer | undefined,
    private readonly redisProxy: TcpProxy | undefined,
  ) {}

  static async start(options: WorldOptions): Promise<World> {
    const server =
      options.store === 'redis' ? await RedisServer.start(...(options.redisSettings ?? DURABLE)) : undefined;
    const proxy = server && (await TcpProxy.start(server.port));
    const world = new World(options, await freePort(), server, proxy);
    await world.startService();
    return world;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get redis(): RedisServer {
    if (!this.redisServer) throw new Error('this world has no Redis');
    return this.redisServer;
  }

  get proxy(): TcpProxy {
    if (!this.redisProxy) throw new Error('this world has no Redis');
    return this.redisProxy;
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
        ...(this.redisProxy && { REDIS_URL: `redis://127.0.0.1:${this.redisProxy.port}` }),
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
    await this.redisProxy?.stop();
    await this.redisServer?.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}
