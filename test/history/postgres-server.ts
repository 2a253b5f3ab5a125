// A real PostgreSQL for tests, on a free loopback port and with its own data folder. It refuses to run as root, so then it
// runs as the user that Debian's package creates.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../find-program.js';
import { freePort } from '../free-port.js';
import { closeOnce } from '../leftovers.js';

/** Debian has its programs in a folder for each version, which is not on the PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';

export class PostgresServer {
  readonly url: string;
  readonly #dir = mkdtempSync(join(tmpdir(), 'rollcall-postgres-'));
  readonly #owner = unprivilegedUser();
  #process: ChildProcess | undefined;

  private constructor(private readonly port: number) {
    this.url = `postgres://rollcall@127.0.0.1:${port}/postgres`;
  }

  /** Resolves when it accepts connections. */
  static async start(): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort());
    closeOnce(() => server.stop());
    if (server.#owner) chownSync(server.#dir, server.#owner.uid, server.#owner.gid);
    const options = [
      '--pgdata',
      server.#dir,
      '--username',
      'rollcall',
      '--auth',
      'trust',
      '--no-sync',
      '--no-instructions',
    ];
    execFileSync(postgresProgram('initdb'), options, { ...server.#owner, stdio: ['ignore', 'ignore', 'inherit'] });
    await server.restart();
    return server;
  }

  async restart(): Promise<void> {
    const options = ['-D', this.#dir, '-h', '127.0.0.1', '-p', String(this.port), '-k', this.#dir, '-F'];
    const child = spawn(postgresProgram('postgres'), options, { ...this.#owner, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (text) => String(text).includes('ready to accept connections') && resolve());
      child.once('exit', (code) => reject(new Error(`postgres ended with ${code}`)));
    });
  }

  /** Ends it and all its connections; its data is kept. */
  async interrupt(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await ended;
  }

  async stop(): Promise<void> {
    await this.interrupt();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function postgresProgram(name: string): string {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a)) : [];
  const paths = versions.map((version) => join(DEBIAN_FOLDER, version, 'bin', name));
  return paths.find((path) => existsSync(path)) ?? findProgram([name], 'postgresql');
}

/** undefined: this process may run it itself. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (option: string) => Number(execFileSync('id', [option, 'postgres']).toString());
  return { uid: idOf('-u'), gid: idOf('-g') };
}
