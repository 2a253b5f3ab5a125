// Spans as OpenTelemetry records them, by its semantic conventions for HTTP servers and databases. url.path, although required
// there, is left out: the path of a callback may contain a secret, and other paths the id of a participant.
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Context,
  type Span as OpenTelemetrySpan,
  type Tracer as OpenTelemetryTracer,
  ROOT_CONTEXT,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { BatchSpan, RequestSpan, Span } from '../tracer.js';

/** A client can send any method, so others are not named. */
const METHODS: ReadonlySet<unknown> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

export class OtelRequestSpan implements RequestSpan {
  readonly span: OpenTelemetrySpan;
  readonly #methodName: string;

  /** `caller`: the context of the client. */
  constructor(tracer: OpenTelemetryTracer, { method, httpVersion }: IncomingMessage, caller: Context) {
    const isKnown = METHODS.has(method);
    this.#methodName = isKnown ? (method as string) : 'HTTP';
    const attributes = {
      'http.request.method': isKnown ? method : '_OTHER',
      // TLS ends at the proxy in front.
      'url.scheme': 'http',
      'network.protocol.version': httpVersion,
    };
    this.span = tracer.startSpan(this.#methodName, { kind: SpanKind.SERVER, attributes }, caller);
  }

  get traceId(): string {
    return this.span.spanContext().traceId;
  }

  get spanId(): string {
    return this.span.spanContext().spanId;
  }

  get isRecording(): boolean {
    return this.span.isRecording();
  }

  setRoute(route: string): void {
    this.span.setAttribute('http.route', route).updateName(`${this.#methodName} ${route}`);
  }

  setRefusal(reason: string): void {
    this.span.setAttribute('rollcall.refusal.reason', reason);
  }

  end({ headersSent, statusCode }: ServerResponse): void {
    if (!headersSent) setFailure(this.span, 'client-disconnected');
    else {
      this.span.setAttribute('http.response.status_code', statusCode);
      if (statusCode >= 500) setFailure(this.span, String(statusCode));
    }
    this.span.end();
  }
}

/** A span without a parent, or a child of `parent`. */
export function startSpan(
  tracer: OpenTelemetryTracer,
  name: string,
  { parent, ...options }: SpanOptions & { readonly parent?: OpenTelemetrySpan | undefined },
): OpenTelemetrySpan {
  return tracer.startSpan(name, options, parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT);
}

export function endOf(span: OpenTelemetrySpan): Span {
  return {
    end({ failure, conflicts = 0 } = {}) {
      if (conflicts > 0) span.setAttribute('rollcall.commit.conflicts', conflicts);
      if (failure !== undefined) setFailure(span, failure);
      span.end();
    },
  };
}

/** `system`: of the store, as the conventions name it. */
export function batchSpan(span: OpenTelemetrySpan, tracer: OpenTelemetryTracer, system: string): BatchSpan {
  return {
    ...endOf(span),
    start(operation, size) {
      // By the conventions, a single operation is not a batch.
      const attributes = { 'db.system.name': system, ...(size > 1 && { 'db.operation.batch.size': size }) };
      return endOf(startSpan(tracer, operation, { kind: SpanKind.CLIENT, attributes, parent: span }));
    },
  };
}

function setFailure(span: OpenTelemetrySpan, type: string): void {
  span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });
}
