// A real redis-server for tests, on a free loopback port and with its own data folder.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../find-program.js';
import { freePort } from '../../free-port.js';
import { closeOnce } from '../../leftovers.js';

export class RedisServer {
  readonly url: string;
  readonly #dir = mkdtempSync(join(tmpdir(), 'rollcall-redis-'));
  readonly #configuration = join(this.#dir, 'sentinel.conf');
  #portSetting: readonly string[] = ['--port'];
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly settings: readonly string[],
  ) {
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** Resolves when it accepts connections. */
  static async start(...settings: string[]): Promise<RedisServer> {
    return RedisServer.startAt(await freePort(), settings);
  }

  static async startAt(port: number, settings: readonly string[]): Promise<RedisServer> {
    return RedisServer.#started(new RedisServer(port, settings));
  }

  /** It accepts only TLS. */
  static async startWithTls(...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    server.#portSetting = ['--port', '0', '--tls-port'];
    return RedisServer.#started(server);
  }

  /** A Sentinel, which rewrites its configuration. */
  static async startSentinel(configuration: string): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), ['--sentinel']);
    writeFileSync(server.#configuration, configuration);
    return RedisServer.#started(server);
  }

  static async #started(server: RedisServer): Promise<RedisServer> {
    closeOnce(() => server.stop());
    await server.restart();
    return server;
  }

  /** Starts it again with its data and, optionally, other settings. */
  async restart(settings = this.settings): Promise<void> {
    // Both use the same protocol.
    const binary = findProgram(['redis-server', 'valkey-server'], 'redis-server');
    const options = [...this.#portSetting, String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir];
    const own = settings.includes('--sentinel') ? [this.#configuration, ...options] : [...options, '--save', ''];
    const child = spawn(binary, [...own, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (text) => /Ready to accept connections|Sentinel ID is/.test(String(text)) && resolve());
      child.once('exit', (code) => reject(new Error(`${binary} ended with ${code}`)));
    });
  }

  /** Ends it like a crash; its data is kept. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Suspends or resumes the process, which does not answer while it is suspended. */
  freeze(isFrozen: boolean): void {
    this.#process?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
