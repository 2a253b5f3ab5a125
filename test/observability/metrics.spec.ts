// The instruments against those of prom-client, the two text formats, and the sum over workers.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as prom from 'prom-client';
import { aggregate, render } from '../../src/observability/metrics/exposition.js';
import { Metrics } from '../../src/observability/metrics/metrics.js';

const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
const BUCKETS = [0, 0.01, 0.5, 5];

/** Without the metrics of the process. */
async function textOf(metrics: Metrics, accept?: string): Promise<string> {
  const own = (await metrics.snapshot()).filter(({ name }) => name.startsWith('test_'));
  return (await render(own, accept)).text;
}

describe('a histogram', () => {
  it('has the same buckets, sum and count as that of prom-client', async () => {
    const values = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.double({ min: 0, max: 10, noNaN: true })));
    await fc.assert(
      fc.asyncProperty(values, async (observed) => {
        const described = { name: 'test_seconds', help: 'A help.', buckets: BUCKETS };
        const metrics = new Metrics();
        const own = metrics.histogram({ ...described, labels: ['source'] });
        const registry = new prom.Registry();
        const theirs = new prom.Histogram({ ...described, labelNames: ['source'], registers: [registry] });
        for (const [source, value] of observed) {
          own.of(source).observe(value);
          theirs.observe({ source }, value);
        }
        expect(linesOf(await textOf(metrics))).toEqual(linesOf(await registry.metrics()));
      }),
    );
  });
});

/** prom-client writes the label `le` first. */
function linesOf(text: string): string[] {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/\{(.*)\}/, (_, labels) => `{${labels.split(',').sort()}}`));
  return lines.filter((line) => line !== '').sort();
}

describe('metrics', () => {
  let metrics = new Metrics();
  afterEach(() => {
    metrics = new Metrics();
  });

  it('are rendered in the text format of Prometheus', async () => {
    metrics.counter({ name: 'test_things_total', help: 'Things.', labels: ['kind'] }).of('a "quoted"\n\\one').value = 3;
    expect(await textOf(metrics)).toBe(
      '# HELP test_things_total Things.\n# TYPE test_things_total counter\n' +
        'test_things_total{kind="a \\"quoted\\"\\n\\\\one"} 3\n',
    );
  });

  it('are rendered as OpenMetrics if the Accept header names it', async () => {
    metrics.counter({ name: 'test_things_total', help: 'Things.' }).of().value = 3;
    expect(await textOf(metrics, OPEN_METRICS)).toBe(
      '# HELP test_things Things.\n# TYPE test_things counter\ntest_things_total 3\n# EOF\n',
    );
  });

  it.each(['', '*/*', 'text/plain', 'application/json', 'text/plain;version=0.0.4'])(
    'are in the format of Prometheus for Accept: %s',
    async (accept) => {
      expect((await render([], accept)).contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    },
  );

  it('show a gauge only as long as its collector sets it', async () => {
    const gauge = metrics.gauge({ name: 'test_level', help: 'A level.', aggregation: 'sum' });
    const levels = [7, undefined];
    metrics.collect(async () => {
      const level = levels.shift();
      if (level === undefined) throw new Error('not known');
      gauge.set(level);
    });
    expect(await textOf(metrics)).toContain('\ntest_level 7\n');
    expect(await textOf(metrics)).not.toContain('\ntest_level ');
  });

  it('are collected once for all that ask at the same time', async () => {
    let calls = 0;
    metrics.collect(() => {
      calls += 1;
    });
    await Promise.all([metrics.snapshot(), metrics.snapshot(), metrics.snapshot()]);
    expect(calls).toBe(1);
    await metrics.snapshot();
    expect(calls).toBe(2);
  });

  it('cannot have the same name twice, or a series with too few labels', () => {
    const counter = metrics.counter({ name: 'test_things_total', help: 'Things.', labels: ['kind', 'color'] });
    expect(() => metrics.histogram({ name: 'test_things_total', help: 'Others.', buckets: [] })).toThrow('twice');
    expect(() => counter.of('one')).toThrow('kind,color');
  });

  it('are added up over workers; of what all of them read from the store, one value is shown', async () => {
    const snapshots = [2, 5].map(async (value) => {
      const one = new Metrics();
      one.counter({ name: 'test_things_total', help: 'Things.', labels: ['kind'] }).of('a').value = value;
      one
        .histogram({ name: 'test_seconds', help: 'Times.', buckets: [1] })
        .of()
        .observe(value);
      const gauges = (['sum', 'max', 'min'] as const).map((aggregation) =>
        one.gauge({ name: `test_${aggregation}`, help: 'A level.', aggregation }),
      );
      one.collect(() => {
        for (const gauge of gauges) gauge.set(value);
      });
      return one.snapshot();
    });
    const { text } = await render(await aggregate(await Promise.all(snapshots)));
    const shown = text.split('\n').filter((line) => line.startsWith('test_'));
    expect(shown.sort()).toEqual([
      'test_max 5',
      'test_min 2',
      'test_seconds_bucket{le="+Inf"} 2',
      'test_seconds_bucket{le="1"} 0',
      'test_seconds_count 2',
      'test_seconds_sum 7',
      'test_sum 7',
      'test_things_total{kind="a"} 7',
    ]);
    expect(text).toMatch(/^process_start_time_seconds \d+/m);
  });
});
