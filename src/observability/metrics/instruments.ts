// Counters, gauges and histograms. prom-client renders and aggregates them, but its own look up their labels on each update, which
// takes 0.4 µs; a callback updates several. Here, callers keep the series that they update.

/** How the values of several workers are combined. `max`, `min`: for what all of them read from the store. */
export type Aggregation = 'sum' | 'max' | 'min' | 'first';

export interface Description {
  /** By the conventions of Prometheus: prefix, base unit, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  /** Their values must come from a small fixed set. */
  readonly labels?: readonly string[];
}

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric in the form that prom-client renders. */
export interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly aggregator: Aggregation | 'average' | 'omit';
  readonly values: readonly Sample[];
}

/** All series of one metric, by the values of its labels. */
class Family<Series> {
  readonly #labels: readonly string[];
  readonly #create: () => Series;
  readonly #series = new Map<string, { readonly values: readonly string[]; readonly series: Series }>();

  constructor(labels: readonly string[], create: () => Series) {
    this.#labels = labels;
    this.#create = create;
  }

  of(values: readonly string[]): Series {
    const key = values.length === 1 ? (values[0] as string) : values.join('\0');
    const known = this.#series.get(key);
    if (known) return known.series;
    if (values.length !== this.#labels.length) throw new Error(`expected the labels ${this.#labels.join()}`);
    const series = this.#create();
    this.#series.set(key, { values, series });
    return series;
  }

  clear(): void {
    this.#series.clear();
  }

  map<T>(toItem: (series: Series, labels: Record<string, string>) => T): T[] {
    return [...this.#series.values()].map(({ values, series }) =>
      toItem(series, Object.fromEntries(this.#labels.map((label, index) => [label, values[index] as string]))),
    );
  }
}

interface Value {
  value: number;
}

export class Counter {
  readonly #family: Family<Value>;

  constructor(private readonly description: Description) {
    this.#family = new Family(description.labels ?? [], () => ({ value: 0 }));
    if (!description.labels) this.of();
  }

  /** The series, to be kept by callers that update it often. `labels`: in the order of the description. */
  of(...labels: readonly string[]): Value {
    return this.#family.of(labels);
  }

  get(): MetricSnapshot {
    const { name, help } = this.description;
    const values = this.#family.map(({ value }, labels) => ({ labels, value }));
    return { name, help, type: 'counter', aggregator: 'sum', values };
  }
}

/** A value that is read at each scrape, by the function given to `Metrics.collect`. */
export class Gauge {
  readonly #family: Family<Value>;

  constructor(private readonly description: Description & { readonly aggregation: Aggregation }) {
    this.#family = new Family(description.labels ?? [], () => ({ value: 0 }));
  }

  set(value: number, ...labels: readonly string[]): void {
    this.#family.of(labels).value = value;
  }

  /** Without a value, the series is not shown. */
  clear(): void {
    this.#family.clear();
  }

  get(): MetricSnapshot {
    const { name, help, aggregation } = this.description;
    const values = this.#family.map(({ value }, labels) => ({ labels, value }));
    return { name, help, type: 'gauge', aggregator: aggregation, values };
  }
}

class Distribution {
  readonly counts: number[];
  sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = [...bounds, Number.POSITIVE_INFINITY].map(() => 0);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > (this.bounds[index] as number)) index += 1;
    this.counts[index] = (this.counts[index] as number) + 1;
    this.sum += value;
  }
}

export class Histogram {
  readonly #family: Family<Distribution>;

  constructor(private readonly description: Description & { readonly buckets: readonly number[] }) {
    this.#family = new Family(description.labels ?? [], () => new Distribution(description.buckets));
    if (!description.labels) this.of();
  }

  /** The series, to be kept by callers that update it often. */
  of(...labels: readonly string[]): Pick<Distribution, 'observe'> {
    return this.#family.of(labels);
  }

  get(): MetricSnapshot {
    const { name, help, buckets } = this.description;
    const values = this.#family.map(({ counts, sum }, labels) => {
      let count = 0;
      const samples = counts.map((own, index): Sample => {
        count += own;
        const le = String(buckets[index] ?? '+Inf');
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
      });
      samples.push({ metricName: `${name}_sum`, labels, value: sum });
      samples.push({ metricName: `${name}_count`, labels, value: count });
      return samples;
    });
    return { name, help, type: 'histogram', aggregator: 'sum', values: values.flat() };
  }
}
