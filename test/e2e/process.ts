// The service as a process of its own, started the way its users start it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const LISTENS = /Rollcall listens on (http:\S+) and keeps presence in (.+?)(?:;.*)?"/;

export class ServiceProcess {
  #output = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        this.#output += String(text);
      });
    }
  }

  /** Starts `npm start` with a free port; resolves when it listens or has ended. */
  static async start(settings: Record<string, string>): Promise<ServiceProcess> {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...settings };
    const child = spawn('npm', ['start'], { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const service = new ServiceProcess(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', () => LISTENS.test(service.output) && resolve());
      child.once('close', () => resolve());
      child.once('error', reject);
    });
    return service;
  }

  get output(): string {
    return this.#output;
  }

  /** The last line that says so. */
  get url(): string {
    return LISTENS.exec(this.#output)?.[1] ?? '';
  }

  get store(): string {
    return LISTENS.exec(this.#output)?.[2] ?? '';
  }

  /** To all of its processes, as a terminal does with Ctrl-C; resolves with how it ended. */
  async end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const closed = once(child, 'close');
    process.kill(-(child.pid ?? 0), signal);
    const [code] = (await closed) as [number | null];
    return code;
  }

  /** To npm alone, as a supervisor does. */
  async endMain(signal: 'SIGTERM'): Promise<number | null> {
    const closed = once(this.child, 'close');
    this.child.kill(signal);
    const [code] = (await closed) as [number | null];
    return code;
  }

  async post(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(this.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }
}
