import type { Logger } from 'pino';
import { NO_TRACES, type Tracer } from './tracer.js';

/** All other settings are standard variables, which the packages of OpenTelemetry read themselves. */
export interface TraceSettings {
  readonly protocol: 'http/protobuf' | 'http/json';
  /** The store, as spans name it. */
  readonly store: 'redis' | 'sqlite';
}

/** OpenTelemetry takes memory and time to load, so it is loaded only if traces are on. */
export async function openTracer(settings: TraceSettings | undefined, log: Logger): Promise<Tracer> {
  if (!settings) return NO_TRACES;
  const { OtelTracer } = await import('./otel/otel-tracer.js');
  return new OtelTracer(settings, log);
}
