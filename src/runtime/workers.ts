// WORKERS above 1: a primary process listens on the port and hands connections to its workers in turn. Each worker is a
// complete service, and workers share only the store, like separate nodes on one Redis. The primary handles neither requests
// nor the store: it starts, replaces and stops the workers.
import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { PrimaryMetrics } from '../observability/metrics/worker-metrics.js';
import type { StopReason } from './stop-requests.js';

/** Delay before a worker that died is replaced; doubled each time its replacement dies within MIN_UPTIME_MS. */
const MIN_RESTART_DELAY_MS = 1_000;
const MAX_RESTART_DELAY_MS = 30_000;
const MIN_UPTIME_MS = 60_000;
/** After the shutdown delay, workers close slow clients within 8 s. A worker that still runs after this time hangs, and would outlive the primary. */
const CLOSE_TIMEOUT_MS = 9_500;

/** Only the members that are known. */
interface WorkerExit {
  readonly code?: number;
  readonly signal?: string;
  readonly reason?: string;
}

export class Workers {
  readonly #log: Logger;
  readonly #shutdownDelayMs: number;
  readonly #running = new Set<Worker>();
  readonly #replacements = new Set<NodeJS.Timeout>();
  readonly #metrics = new PrimaryMetrics();
  #isStarted = false;
  /** Set once the process is stopping: no more workers are started. */
  #exitCode: number | undefined;

  constructor(log: Logger, shutdownDelayMs: number) {
    this.#log = log;
    this.#shutdownDelayMs = shutdownDelayMs;
  }

  /** `program`: the script that each worker runs. Resolves when all of them listen, with the log lines of the first one. */
  async start(count: number, program: string): Promise<readonly string[]> {
    // Not the script that started the primary: `npm start` builds before it starts, and workers only run the result.
    cluster.setupPrimary({ exec: program, execArgv: [...process.execArgv, '--enable-source-maps'] });
    // One worker first: a failure to start affects all of them, and is then logged once.
    const lines = await this.#fork();
    await Promise.all(Array.from({ length: count - 1 }, () => this.#fork()));
    this.#isStarted = true;
    return lines;
  }

  /**
   * Stops the workers and then this process. Every stop request is forwarded, since a second one ends the delay of the
   * workers. A terminal signals the workers as well; a supervisor signals only the primary.
   */
  stop(exitCode: number, reason: StopReason): void {
    for (const worker of this.#running) worker.process.kill(reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT');
    if (this.#exitCode !== undefined) return;
    this.#exitCode = exitCode;
    if (exitCode === 0) this.#log.info({ signal: reason }, 'Rollcall is stopping');
    for (const replacement of this.#replacements) clearTimeout(replacement);
    setTimeout(() => this.#killHungWorkers(), this.#shutdownDelayMs + CLOSE_TIMEOUT_MS);
    this.#exitAfterLastWorker(exitCode);
  }

  /** Resolves when the worker listens, with its log lines; never if it exits before, or if this process is stopping. */
  #fork(restartDelayMs = MIN_RESTART_DELAY_MS): Promise<readonly string[]> {
    if (this.#exitCode !== undefined) return new Promise(() => {});
    const worker = cluster.fork();
    const startedMs = performance.now();
    this.#running.add(worker);
    this.#metrics.watch(worker);
    const onExit = (exit: WorkerExit) => {
      const uptimeMs = performance.now() - startedMs;
      this.#onExit(worker, uptimeMs < MIN_UPTIME_MS ? restartDelayMs : MIN_RESTART_DELAY_MS, exit);
    };
    worker.once('exit', (code, signal) => onExit(signal ? { signal } : { code }));
    worker.on('error', (error) => {
      // A worker that could not be forked emits no exit. Any other error means that a connection could not be handed to a
      // dead worker, whose exit event follows.
      if (worker.process.pid === undefined) onExit({ reason: error.message });
    });
    return new Promise((resolve) => {
      // A worker answers requests before it sends its lines, so one about metrics may send another message first.
      const onMessage = (message: unknown) => {
        if (!Array.isArray(message)) return;
        worker.off('message', onMessage);
        resolve(message);
      };
      worker.on('message', onMessage);
    });
  }

  #onExit(worker: Worker, waitMs: number, exit: WorkerExit): void {
    this.#running.delete(worker);
    const fields = { worker: worker.process.pid, ...exit };
    if (this.#exitCode !== undefined) {
      this.#exitAfterLastWorker(this.#exitCode);
    } else if (!this.#isStarted) {
      // A worker that exits with 1 has logged the reason.
      if (fields.code !== 1) this.#log.fatal(fields, 'Rollcall cannot start: a worker exited');
      this.stop(1, 'SIGINT');
    } else {
      this.#log.error({ ...fields, waitMs }, 'a worker has died and will be replaced');
      this.#replaceAfter(waitMs);
    }
  }

  #replaceAfter(waitMs: number): void {
    const replacement = setTimeout(() => {
      this.#replacements.delete(replacement);
      void this.#fork(Math.min(waitMs * 2, MAX_RESTART_DELAY_MS));
    }, waitMs);
    this.#replacements.add(replacement);
  }

  #killHungWorkers(): void {
    this.#log.error('workers did not stop in time and are killed');
    for (const worker of this.#running) worker.process.kill('SIGKILL');
  }

  #exitAfterLastWorker(exitCode: number): void {
    if (this.#running.size > 0) return;
    if (exitCode === 0) this.#log.info('Rollcall has stopped');
    process.exit(exitCode);
  }
}

/** Makes a worker stop gracefully when its primary exits. By default Node would end it in the middle of a response. */
export function endWithPrimary(worker: Worker, stop: () => void): void {
  worker.once('disconnect', () => {
    worker.exitedAfterDisconnect = true; // else Node exits the process right after this event
    stop();
  });
}
