// Exports spans to a collector, with the variables OTEL_EXPORTER_OTLP_…, and logs once when that fails. The exporter's own
// messages are not logged: some of them contain the values of these variables, such as headers with credentials.
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import type { TraceSettings } from '../open-tracer.js';

export class SpanExport implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Logger;
  #isFailing = false;

  constructor(protocol: TraceSettings['protocol'], log: Logger) {
    this.#exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#report(result);
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#exporter.shutdown();
  }

  #report({ code, error }: ExportResult): void {
    const isFailing = code !== ExportResultCode.SUCCESS;
    if (isFailing && !this.#isFailing) {
      const { code: errorCode, name } = (error ?? {}) as NodeJS.ErrnoException;
      this.#log.warn({ reason: errorCode ?? name }, 'traces cannot be exported; their spans are dropped');
    }
    if (!isFailing && this.#isFailing) this.#log.info('traces are exported again');
    this.#isFailing = isFailing;
  }
}
