// The service as a separate process.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { closeOnce } from '../leftovers.js';

const ROOT = join(import.meta.dirname, '..', '..');
const LISTENS = /Rollcall listens on (http:\S+) and stores presence in (.+?)(?:;.*)?"/;

export class ServiceProcess {
  #output = '';
  /** The exit code, once all of its children have ended too, since each of them keeps the output open. */
  readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        this.#output += String(text);
      });
    }
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** Starts the built program on a free port. Resolves when it listens or has ended. */
  static async start(settings: Record<string, string>): Promise<ServiceProcess> {
    const service = ServiceProcess.spawn(settings);
    await service.listensOrEnds();
    return service;
  }

  /** Like `start`, but with `npm start`, which takes a second longer. */
  static async npmStart(settings: Record<string, string>): Promise<ServiceProcess> {
    const service = ServiceProcess.#spawn(['npm', 'start'], ROOT, settings);
    await service.listensOrEnds();
    return service;
  }

  /** Starts the built program without waiting. `command`: what runs it; `cwd`: its working directory. */
  static spawn(
    settings: Record<string, string>,
    { command = [process.execPath], cwd = ROOT }: { command?: readonly string[]; cwd?: string } = {},
  ): ServiceProcess {
    return ServiceProcess.#spawn([...command, join(ROOT, 'dist', 'main.js')], cwd, settings);
  }

  /** Runs a command that starts the service, without waiting. */
  static run(command: readonly string[]): ServiceProcess {
    return ServiceProcess.#spawn(command, ROOT, {});
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

  /** The URL that it listens on; '' until then. */
  get url(): string {
    return LISTENS.exec(this.#output)?.[1] ?? '';
  }

  get store(): string {
    return LISTENS.exec(this.#output)?.[2] ?? '';
  }

  /** Closes the reading end of its output, like `head -1` in a pipe. */
  stopReading(): void {
    this.child.stdout?.destroy();
  }

  /** Signals all of its processes, like Ctrl-C in a terminal. Resolves with the exit code. */
  async end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    process.kill(-(child.pid ?? 0), signal);
    return this.ended;
  }

  /** Signals only the main process, like a supervisor. Resolves with the exit code. */
  async endMain(signal: 'SIGTERM'): Promise<number | null> {
    this.signal(signal);
    return this.ended;
  }

  /** Signals only the main process. */
  signal(signal: 'SIGINT' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  async post(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(this.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }
}
