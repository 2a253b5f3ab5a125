import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

const read = (environment: Record<string, string>) => readConfig(DIALECTS, environment);

describe('traces', () => {
  it.each([
    [{}],
    [{ OTEL_SERVICE_NAME: 'rollcall' }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ', OTEL_TRACES_EXPORTER: '' }],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
  ])('are off with %p', (environment) => {
    expect(read(environment)).toMatchObject({ traces: undefined, warnings: [] });
  });

  it.each([
    [ENDPOINT, 'http/protobuf'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/v1/traces' }, 'http/protobuf'],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http/protobuf'],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'false', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'http/json'],
    [
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      'http/json',
    ],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, 'http/protobuf'],
  ])('are on with %p', (environment, protocol) => {
    expect(read(environment)).toMatchObject({ traces: { protocol, store: 'sqlite' }, warnings: [] });
  });

  it('name the store', () => {
    expect(read({ ...ENDPOINT, REDIS_URL: 'redis://localhost' }).traces).toMatchObject({ store: 'redis' });
  });

  it.each([
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'hunter2@collector'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'ftp://collector'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '10 %'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ])('are off if %s is %p, with a warning', (name, value) => {
    const { traces, warnings } = read({ ...ENDPOINT, [name]: value });
    expect(traces).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`^${name} must be .+; traces are off$`))]);
    expect(warnings.join()).not.toContain(value);
  });

  it('are configured by standard variables, which are not taken for misspelt settings', () => {
    const names = [
      'SERVICE_NAME',
      'RESOURCE_ATTRIBUTES',
      'PROPAGATORS',
      'LOG_LEVEL',
      'BSP_MAX_QUEUE_SIZE',
      'BSP_MAX_EXPORT_BATCH_SIZE',
      'BSP_SCHEDULE_DELAY',
      'BSP_EXPORT_TIMEOUT',
      'SPAN_LINK_COUNT_LIMIT',
      'EXPORTER_OTLP_HEADERS',
      'EXPORTER_OTLP_TRACES_HEADERS',
      'EXPORTER_OTLP_TIMEOUT',
      'EXPORTER_OTLP_COMPRESSION',
      'EXPORTER_OTLP_CERTIFICATE',
      'EXPORTER_OTLP_CLIENT_KEY',
      'METRICS_EXPORTER',
      'LOGS_EXPORTER',
      'NODE_RESOURCE_DETECTORS',
    ];
    expect(read(Object.fromEntries(names.map((name) => [`OTEL_${name}`, '1']))).warnings).toEqual([]);
  });
});
