// The text that Prometheus scrapes: https://prometheus.io/docs/instrumenting/exposition_formats/
import type { MetricObject, RegistryContentType } from 'prom-client';
import type { MetricSnapshot } from './instruments.js';

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Adds up the metrics of several workers. */
export async function aggregate(snapshots: readonly (readonly MetricSnapshot[])[]): Promise<readonly MetricSnapshot[]> {
  const [only] = snapshots;
  if (only && snapshots.length === 1) return only;
  const { AggregatorRegistry } = await import('prom-client');
  // prom-client omits the start time of the process. That of the oldest worker is also that of the service.
  const omitted = (metric: MetricSnapshot) =>
    metric.aggregator === 'omit' ? { ...metric, aggregator: 'min' } : metric;
  const total = AggregatorRegistry.aggregate(
    snapshots.map((metrics) => metrics.map(omitted)) as unknown as MetricObject[],
  );
  return (await total.getMetricsAsJSON()) as unknown as MetricSnapshot[];
}

/** `accept`: the header of the request. OpenMetrics if it names that, else the older text format. */
export async function render(metrics: readonly MetricSnapshot[], accept = ''): Promise<Exposition> {
  const { Registry } = await import('prom-client');
  const isOpenMetrics = accept.includes('application/openmetrics-text');
  const contentType = isOpenMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(contentType);
  for (const { name, type, values, ...metric } of metrics) {
    // In OpenMetrics, the suffix belongs to the sample, and prom-client adds it.
    const ownName = isOpenMetrics && type === 'counter' ? name.replace(/_total$/, '') : name;
    const numbers = values.filter(({ value }) => Number.isFinite(value));
    const rendered = { ...metric, type, name: ownName, values: numbers };
    registry.registerMetric({ ...rendered, get: async () => rendered } as never);
  }
  return { contentType, text: await registry.metrics() };
}
