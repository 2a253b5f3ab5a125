// The tracer that records with OpenTelemetry. It registers nothing globally, so that only the spans made here are exported.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Context,
  defaultTextMapGetter,
  type Tracer as OpenTelemetryTracer,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import type { TraceSettings } from '../open-tracer.js';
import type { BatchSpan, Span, TracedBatch, Tracer } from '../tracer.js';
import { resource } from './resource.js';
import { SpanExport } from './span-export.js';
import { batchSpan, endOf, OtelRequestSpan, startSpan } from './spans.js';

/** A batch has at most this many events, each of which may have come with a request of its own. */
const MAX_LINKS = 512;
/** The orchestrator is waiting for the process to end. */
const CLOSE_TIMEOUT_MS = 1_000;

export class OtelTracer implements Tracer {
  readonly isOn = true;
  readonly #store: string;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: OpenTelemetryTracer;
  readonly #propagator = new W3CTraceContextPropagator();

  constructor({ protocol, store }: TraceSettings, log: Logger) {
    this.#store = store;
    this.#provider = new BasicTracerProvider({
      resource: resource(),
      spanLimits: { linkCountLimit: MAX_LINKS },
      spanProcessors: [new BatchSpanProcessor(new SpanExport(protocol, log))],
    });
    this.#tracer = this.#provider.getTracer('rollcall');
  }

  traceRequest(request: IncomingMessage, response: ServerResponse): void {
    const span = new OtelRequestSpan(this.#tracer, request, this.#callerOf(request));
    request.span = span;
    if (span.isRecording) response.once('close', () => span.end(response));
  }

  startBatch({ requests, participants, updates }: TracedBatch): BatchSpan | undefined {
    const traced = new Set(requests as Iterable<OtelRequestSpan>);
    const recorded = [...traced].filter(({ isRecording }) => isRecording);
    if (recorded.length === 0 && traced.size > 0) return undefined;
    const [first, ...others] = recorded.map(({ span }) => span);
    const links = recorded.map(({ span }) => ({ context: span.spanContext() }));
    const attributes = { 'rollcall.batch.participants': participants, 'rollcall.batch.updates': updates };
    const span = startSpan(this.#tracer, 'batch', { attributes, links, parent: first });
    // The trace of the first request contains the batch, and the others refer to it.
    for (const request of others) request.addLink({ context: span.spanContext() });
    return batchSpan(span, this.#tracer, this.#store);
  }

  startDelivery(changes: number, followers: number): Span {
    const attributes = { 'rollcall.delivery.changes': changes, 'rollcall.delivery.followers': followers };
    return endOf(startSpan(this.#tracer, 'deliver changes', { attributes }));
  }

  async close(): Promise<void> {
    // A failed export has been logged.
    const isExported = this.#provider.shutdown().catch(() => {});
    await Promise.race([isExported, wait(CLOSE_TIMEOUT_MS)]);
  }

  /** The span in the `traceparent` header, if there is a valid one. */
  #callerOf({ headers }: IncomingMessage): Context {
    if (headers.traceparent === undefined) return ROOT_CONTEXT;
    return this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  }
}
