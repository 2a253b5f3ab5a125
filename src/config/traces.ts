// Whether traces are on, by the standard variables of OpenTelemetry. Unlike other settings, an invalid one does not prevent the
// start, but only turns traces off: these variables are often set for all containers of a cluster.
import type { TraceSettings } from '../observability/tracing/open-tracer.js';

type Protocol = TraceSettings['protocol'];

interface Traces {
  /** undefined: traces are off. */
  readonly protocol: Protocol | undefined;
  /** Log lines about invalid variables, without their values. */
  readonly warnings: readonly string[];
}

interface Check {
  /** Only the first of these variables that is set has an effect. */
  readonly names: readonly string[];
  readonly rule: string;
  readonly isValid: (text: string) => boolean;
}

const EXPORTER = 'OTEL_TRACES_EXPORTER';
const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
const PROTOCOL_NAMES = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
const PROTOCOLS: readonly string[] = ['http/protobuf', 'http/json'] satisfies Protocol[];
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [name, `parentbased_${name}`]);

const CHECKS: readonly Check[] = [
  { names: [EXPORTER], rule: 'otlp or none', isValid: (text) => text === 'otlp' },
  { names: ENDPOINTS, rule: 'an http or https URL', isValid: isHttpUrl },
  { names: PROTOCOL_NAMES, rule: PROTOCOLS.join(' or '), isValid: (text) => PROTOCOLS.includes(text) },
  { names: ['OTEL_TRACES_SAMPLER'], rule: `one of ${SAMPLERS.join(', ')}`, isValid: (text) => SAMPLERS.includes(text) },
  { names: ['OTEL_TRACES_SAMPLER_ARG'], rule: 'a number from 0 to 1', isValid: isShare },
];

export function readTraces(environment: NodeJS.ProcessEnv): Traces {
  // By the specification, an empty variable counts as unset.
  const read = (name: string) => environment[name]?.trim() || undefined;
  const isWanted = [EXPORTER, ...ENDPOINTS].some((name) => read(name) !== undefined);
  const isDisabled = read(EXPORTER) === 'none' || read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  if (!isWanted || isDisabled) return { protocol: undefined, warnings: [] };
  const warnings = CHECKS.flatMap(({ names, rule, isValid }) => {
    const name = names.find((one) => read(one) !== undefined);
    return name === undefined || isValid(read(name) ?? '') ? [] : [`${name} must be ${rule}; traces are off`];
  });
  const [protocol = 'http/protobuf'] = PROTOCOL_NAMES.flatMap((name) => read(name) ?? []) as Protocol[];
  return { protocol: warnings.length === 0 ? protocol : undefined, warnings };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isShare(text: string): boolean {
  return Number(text) >= 0 && Number(text) <= 1;
}
