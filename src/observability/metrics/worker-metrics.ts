// With WORKERS, each scrape reaches one worker and must show all of them. That worker asks the primary, which asks every worker.
// The counters of a worker that died are kept, because Prometheus would take a smaller sum for a restart from 0.
import cluster, { type Worker } from 'node:cluster';
import { aggregate } from './exposition.js';
import type { MetricSnapshot } from './instruments.js';
import type { Metrics } from './metrics.js';

/** A worker that does not answer within this time is busy: what it answered last is used. */
const TIMEOUT_MS = 1_000;
const GONE_PRIMARY_MS = 3_000;

/** From a worker to the primary and back: the metrics of all workers. From the primary to a worker and back: those of that worker. */
interface Message {
  readonly metricsRequest?: number;
  readonly metricsResponse?: number;
  readonly snapshots?: readonly (readonly MetricSnapshot[])[];
}

type Snapshots = readonly (readonly MetricSnapshot[])[];

/** In the primary process. */
export class PrimaryMetrics {
  readonly #last = new Map<number, readonly MetricSnapshot[]>();
  /** The counters of workers that have ended. */
  #departed: Promise<readonly MetricSnapshot[]> = Promise.resolve([]);
  readonly #pending = new Map<number, (snapshot: readonly MetricSnapshot[]) => void>();
  #requests = 0;

  watch(worker: Worker): void {
    worker.on('message', (message: Message) => {
      const { metricsRequest, metricsResponse, snapshots } = message;
      if (metricsRequest !== undefined) void this.#answer(worker, metricsRequest);
      if (metricsResponse !== undefined) this.#pending.get(metricsResponse)?.(snapshots?.[0] ?? []);
    });
    worker.once('exit', () => this.#onExit(worker.id));
  }

  async #answer(worker: Worker, id: number): Promise<void> {
    const workers = Object.values(cluster.workers ?? {}).filter((one) => one?.isConnected() === true) as Worker[];
    await Promise.all(workers.map((one) => this.#ask(one)));
    const departed = await this.#departed;
    const snapshots: Snapshots = [departed, ...this.#last.values()];
    if (worker.isConnected()) worker.send({ metricsResponse: id, snapshots } satisfies Message);
  }

  async #ask(worker: Worker): Promise<void> {
    const id = ++this.#requests;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, TIMEOUT_MS);
      this.#pending.set(id, (snapshot) => {
        clearTimeout(timer);
        this.#last.set(worker.id, snapshot);
        resolve();
      });
      worker.send({ metricsRequest: id } satisfies Message);
    });
    this.#pending.delete(id);
  }

  #onExit(workerId: number): void {
    const last = this.#last.get(workerId);
    this.#last.delete(workerId);
    const totals = last?.filter(({ type }) => type === 'counter' || type === 'histogram') ?? [];
    this.#departed = this.#departed.then((departed) => aggregate([departed, totals]));
  }
}

/** The metrics of all workers, or of this process if it has no workers. */
export class WorkerMetrics {
  readonly #pending = new Map<number, (snapshots: Snapshots) => void>();
  #requests = 0;

  constructor(private readonly metrics: Metrics) {
    cluster.worker?.on('message', (message: Message) => {
      const { metricsRequest, metricsResponse, snapshots } = message;
      if (metricsRequest !== undefined) void this.#answer(metricsRequest);
      if (metricsResponse !== undefined) this.#pending.get(metricsResponse)?.(snapshots ?? []);
    });
  }

  async total(): Promise<readonly MetricSnapshot[]> {
    return cluster.isWorker ? aggregate(await this.#ofAllWorkers()) : this.metrics.snapshot();
  }

  async #ofAllWorkers(): Promise<Snapshots> {
    // The primary is gone, and this worker is closing.
    if (!cluster.worker?.isConnected()) return [await this.metrics.snapshot()];
    const id = ++this.#requests;
    const answer = await new Promise<Snapshots | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), GONE_PRIMARY_MS);
      this.#pending.set(id, (snapshots) => {
        clearTimeout(timer);
        resolve(snapshots);
      });
      cluster.worker?.send({ metricsRequest: id } satisfies Message);
    });
    this.#pending.delete(id);
    return answer ?? [await this.metrics.snapshot()];
  }

  async #answer(id: number): Promise<void> {
    const snapshots = [await this.metrics.snapshot()];
    if (cluster.worker?.isConnected()) cluster.worker.send({ metricsResponse: id, snapshots } satisfies Message);
  }
}
