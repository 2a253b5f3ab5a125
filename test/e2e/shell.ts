// Runs a command as if it were pasted into a terminal, with all the processes that it starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

export class Shell {
  #output = '';
  #errors = '';
  /** The exit code; null if it was ended by a signal. */
  readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (text) => {
      this.#output += String(text);
    });
    child.stderr?.on('data', (text) => {
      this.#errors += String(text);
    });
    this.ended = once(child, 'close').then(([code]) => code as number | null);
  }

  /** By default in the root of the repository. */
  static run(command: string, environment: Record<string, string> = {}, cwd: string = ROOT): Shell {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment };
    return new Shell(spawn('bash', ['-c', command], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Signals all of its processes, like Ctrl-C in a terminal. Resolves when they have ended. */
  async end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), signal);
    await this.ended;
  }
}
