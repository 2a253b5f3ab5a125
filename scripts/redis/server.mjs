// A redis-server on a loopback port with its own data folder, for development and for the tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../program.mjs';

/** Nodes of a cluster talk to each other at a port that is 10,000 higher. */
const MAX_PORT = 55_000;
const MAX_ATTEMPTS = 3;

/** Those that have not been stopped. */
const servers = new Set();

/**
 * @typedef {object} ServerOptions
 * @property {readonly string[]} [settings]
 * @property {boolean} [isTls] It accepts only TLS; `settings` name the certificates.
 * @property {string} [sentinel] It is a Sentinel with this configuration, which it rewrites.
 * @property {string} [program] The path of another program with the same options.
 */

export class RedisServer {
  #dir = mkdtempSync(join(tmpdir(), 'rollcall-redis-'));
  #options;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;

  /**
   * @param {number} port
   * @param {ServerOptions} options
   */
  constructor(port, options) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#options = options;
    servers.add(this);
  }

  /**
   * On a free port. Resolves when it accepts connections.
   * @param {ServerOptions} [options]
   */
  static async start(options = {}) {
    for (let attempt = 1; ; attempt += 1) {
      const server = new RedisServer(await freePort(), options);
      try {
        await server.restart();
        return server;
      } catch (error) {
        await server.stop();
        // Another program may have taken the port in the meantime.
        if (attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  get pid() {
    return this.#process?.pid;
  }

  /**
   * Starts it again with its data and, optionally, other settings.
   * @param {readonly string[]} [settings]
   */
  async restart(settings = this.#options.settings ?? []) {
    const { isTls, sentinel, program = redisServer() } = this.#options;
    const port = isTls ? ['--port', '0', '--tls-port', String(this.port)] : ['--port', String(this.port)];
    const options = [...port, '--bind', '127.0.0.1', '--dir', this.#dir];
    const file = join(this.#dir, 'sentinel.conf');
    if (sentinel !== undefined && this.#process === undefined) writeFileSync(file, sentinel);
    const own = sentinel === undefined ? [...options, '--save', ''] : [file, ...options, '--sentinel'];
    const child = spawn(program, [...own, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    await new Promise((resolve, reject) => {
      child.stdout.on('data', (text) => {
        if (/Ready to accept connections|Sentinel ID is/.test(String(text))) resolve(undefined);
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)));
    });
  }

  /** Ends it like a crash; its data is kept. */
  async kill() {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /**
   * Suspends or resumes the process, which does not answer while it is suspended.
   * @param {boolean} isFrozen
   */
  freeze(isFrozen) {
    this.#process?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Ends it and removes its data. */
  async stop() {
    await this.kill();
    this.#remove();
  }

  /** The same without waiting for its end. */
  stopNow() {
    this.#process?.kill('SIGKILL');
    this.#remove();
  }

  #remove() {
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
    servers.delete(this);
  }
}

/** Stops all that run. */
export async function stopServers() {
  await Promise.all([...servers].map((server) => server.stop()));
}

/** No server outlives this process, unless a signal kills it. Also stops those that are being started. */
export function stopServersAtExit() {
  process.once('exit', () => {
    for (const server of servers) server.stopNow();
  });
}

function redisServer() {
  const program = findProgram('redis-server');
  if (program) return program;
  throw new Error('redis-server is not on the PATH; on Debian: apt-get install redis-server');
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port < MAX_PORT ? port : freePort();
}
