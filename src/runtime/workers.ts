// What WORKERS above 1 is: a primary that holds the port and hands each connection to the next of its workers, which are
// the service each. They share nothing but the store, so they are to one another what nodes on one Redis are. The
// primary touches neither requests nor the store: it sees to it that its workers are there, and that all end together.
import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import type { StopReason } from './stop-requests.js';

/** Before a worker that died is replaced; doubled for one that dies soon after it took a place. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const SOON_MS = 60_000;
/** After the delay, workers give up on slow clients after 8 s. One that is not gone by now hangs, and would outlive the primary. */
const CLOSE_LIMIT_MS = 9_500;

/** Which of them is known. */
interface WorkerEnd {
  readonly code?: number;
  readonly signal?: string;
  readonly reason?: string;
}

export class Workers {
  readonly #log: Logger;
  readonly #shutdownDelayMs: number;
  readonly #running = new Set<Worker>();
  readonly #replacements = new Set<NodeJS.Timeout>();
  #areUp = false;
  /** What to end with; from then on nothing is started. */
  #exitCode: number | undefined;

  constructor(log: Logger, shutdownDelayMs: number) {
    this.#log = log;
    this.#shutdownDelayMs = shutdownDelayMs;
  }

  /** `program`: what each runs. Resolves when all listen, with the first one's lines of where. */
  async start(count: number, program: string): Promise<readonly string[]> {
    // Not what the primary was started by: `npm start` builds what has changed, and the other workers run what was built.
    cluster.setupPrimary({ exec: program, execArgv: [...process.execArgv, '--enable-source-maps'] });
    // The first one alone: what keeps it from starting keeps them all, and is to be told once.
    const lines = await this.#fork();
    await Promise.all(Array.from({ length: count - 1 }, () => this.#fork()));
    this.#areUp = true;
    return lines;
  }

  /**
   * Ends the workers and then this process. Every request is passed on, since a second one ends their delay. A terminal has
   * told them too, a supervisor only the primary.
   */
  stop(exitCode: number, reason: StopReason): void {
    for (const worker of this.#running) worker.process.kill(reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT');
    if (this.#exitCode !== undefined) return;
    this.#exitCode = exitCode;
    if (exitCode === 0) this.#log.info({ signal: reason }, 'Rollcall stops');
    for (const replacement of this.#replacements) clearTimeout(replacement);
    setTimeout(() => this.#endThoseThatHang(), this.#shutdownDelayMs + CLOSE_LIMIT_MS);
    this.#endAfterTheLast(exitCode);
  }

  /** Resolves when it listens, with its lines; never when it ends before, or when this process is ending. */
  #fork(nextWaitMs = FIRST_WAIT_MS): Promise<readonly string[]> {
    if (this.#exitCode !== undefined) return new Promise(() => {});
    const worker = cluster.fork();
    const startedMs = performance.now();
    this.#running.add(worker);
    const end = (how: WorkerEnd) => {
      const livedMs = performance.now() - startedMs;
      this.#onEnd(worker, livedMs < SOON_MS ? nextWaitMs : FIRST_WAIT_MS, how);
    };
    worker.once('exit', (code, signal) => end(signal ? { signal } : { code }));
    worker.on('error', (error) => {
      // One that could not even be forked has no exit. Else it is dead, which is about to be noticed, and could not be
      // handed a connection.
      if (worker.process.pid === undefined) end({ reason: error.message });
    });
    return new Promise((resolve) => worker.once('message', resolve));
  }

  #onEnd(worker: Worker, waitMs: number, how: WorkerEnd): void {
    this.#running.delete(worker);
    const about = { worker: worker.process.pid, ...how };
    if (this.#exitCode !== undefined) {
      this.#endAfterTheLast(this.#exitCode);
    } else if (!this.#areUp) {
      // One that ends with 1 has said why.
      if (about.code !== 1) this.#log.fatal(about, 'Rollcall cannot start: a worker has ended');
      this.stop(1, 'SIGINT');
    } else {
      this.#log.error({ ...about, waitMs }, 'a worker has died and will be replaced');
      this.#replaceAfter(waitMs);
    }
  }

  #replaceAfter(waitMs: number): void {
    const replacement = setTimeout(() => {
      this.#replacements.delete(replacement);
      void this.#fork(Math.min(waitMs * 2, LONGEST_WAIT_MS));
    }, waitMs);
    this.#replacements.add(replacement);
  }

  #endThoseThatHang(): void {
    this.#log.error('workers do not stop, and are ended');
    for (const worker of this.#running) worker.process.kill('SIGKILL');
  }

  #endAfterTheLast(exitCode: number): void {
    if (this.#running.size > 0) return;
    if (exitCode === 0) this.#log.info('Rollcall has stopped');
    process.exit(exitCode);
  }
}

/** In a worker: it ends with its primary, as on a signal. Left to itself Node ends it in the middle of an answer. */
export function endWithPrimary(worker: Worker, stop: () => void): void {
  worker.once('disconnect', () => {
    worker.exitedAfterDisconnect = true; // what Node looks at next
    stop();
  });
}
