// The service as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { closeOnce } from '../leftovers.js';

const ROOT = join(import.meta.dirname, '..', '..');
const LISTENS = /Rollcall listens on (http:\S+) and stores presence in (.+?)(?:;.*)?"/;

export class ServiceProcess {
  #output = '';
  /** How it ended, once all that it started is gone, too: each of them holds the output open. */
  readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        this.#output += String(text);
      });
    }
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** The built program, on a free port; resolves when it listens or has ended. */
  static async start(settings: Record<string, string>): Promise<ServiceProcess> {
    const service = ServiceProcess.spawn(settings);
    await service.listensOrEnds();
    return service;
  }

  /** The same by `npm start`, which takes a second longer. */
  static async npmStart(settings: Record<string, string>): Promise<ServiceProcess> {
    const service = ServiceProcess.#spawn(['npm', 'start'], ROOT, settings);
    await service.listensOrEnds();
    return service;
  }

  /** The built program, at once. `command`: what starts it, and the folder it is started in. */
  static spawn(
    settings: Record<string, string>,
    { command = [process.execPath], cwd = ROOT }: { command?: readonly string[]; cwd?: string } = {},
  ): ServiceProcess {
    return ServiceProcess.#spawn([...command, join(ROOT, 'dist', 'main.js')], cwd, settings);
  }

  static #spawn([program = '', ...args]: readonly string[], cwd: string, settings: Record<string, string>) {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', SHUTDOWN_DELAY_MS: '0', ...settings };
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const service = new ServiceProcess(child);
    closeOnce(() => service.end('SIGKILL'));
    return service;
  }

  async listensOrEnds(): Promise<void> {
    const { child } = this;
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', () => LISTENS.test(this.output) && resolve());
      child.once('close', () => resolve());
      child.once('error', reject);
    });
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

  /** As `head -1` does, at the other end of a pipe. */
  stopReading(): void {
    this.child.stdout?.destroy();
  }

  /** To all of its processes, as a terminal does with Ctrl-C; resolves with how it ended. */
  async end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    process.kill(-(child.pid ?? 0), signal);
    return this.ended;
  }

  /** To what was started alone, as a supervisor does. */
  async endMain(signal: 'SIGTERM'): Promise<number | null> {
    this.signal(signal);
    return this.ended;
  }

  /** To what was started alone. */
  signal(signal: 'SIGINT' | 'SIGTERM'): void {
    this.child.kill(signal);
  }

  async post(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(this.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }
}
