// The metrics of this process. Each capability describes and updates its own.
import type { Registry } from 'prom-client';
import { Counter, type Description, Gauge, Histogram, type MetricSnapshot } from './instruments.js';

type Collector = () => void | Promise<void>;

export class Metrics {
  readonly #instruments = new Map<string, Counter | Gauge | Histogram>();
  readonly #collectors: Collector[] = [];
  /** Those of Node.js and of the process, by prom-client. */
  #defaults: Promise<Registry> | undefined;
  #snapshot: Promise<MetricSnapshot[]> | undefined;

  counter(description: Description): Counter {
    return this.#add(description.name, new Counter(description));
  }

  gauge(description: ConstructorParameters<typeof Gauge>[0]): Gauge {
    return this.#add(description.name, new Gauge(description));
  }

  histogram(description: ConstructorParameters<typeof Histogram>[0]): Histogram {
    return this.#add(description.name, new Histogram(description));
  }

  /** `collector` is called at each scrape, to set gauges. Those that it has not set, as when it failed, are not shown. */
  collect(collector: Collector): void {
    this.#collectors.push(collector);
  }

  /** The current values. Concurrent callers share one result, so that scrapes cannot load the store. */
  snapshot(): Promise<MetricSnapshot[]> {
    this.#snapshot ??= this.#take().finally(() => {
      this.#snapshot = undefined;
    });
    return this.#snapshot;
  }

  #add<T extends Counter | Gauge | Histogram>(name: string, instrument: T): T {
    if (this.#instruments.has(name)) throw new Error(`the metric ${name} is defined twice`);
    this.#instruments.set(name, instrument);
    return instrument;
  }

  async #take(): Promise<MetricSnapshot[]> {
    this.#defaults ??= processMetrics();
    const instruments = [...this.#instruments.values()];
    for (const instrument of instruments) if (instrument instanceof Gauge) instrument.clear();
    await Promise.allSettled(this.#collectors.map(async (collect) => collect()));
    const defaults = (await (await this.#defaults).getMetricsAsJSON()) as unknown as MetricSnapshot[];
    return [...instruments.map((instrument) => instrument.get()), ...defaults];
  }
}

/** They cover garbage collection and the event loop from now on. prom-client is loaded at the first scrape, for a fast start. */
async function processMetrics(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
