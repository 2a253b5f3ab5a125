// What the service traces, whatever records it: requests, the batches that they lead to, and deliveries of changes. Spans are
// passed on explicitly, without AsyncLocalStorage: a batch belongs to several requests, and its context would be that of the request
// that happened to start it.
//
// A span never contains a token, the id of a participant or device, a tag, a body, a path or the message of an error.
import type { IncomingMessage, ServerResponse } from 'node:http';

declare module 'node:http' {
  interface IncomingMessage {
    /** undefined: traces are off. */
    span?: RequestSpan;
  }
}

export interface RequestSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** `route`: the pattern of the route. */
  setRoute(route: string): void;
  setRefusal(reason: string): void;
}

interface Outcome {
  /** The name of the error. */
  readonly failure?: string | undefined;
  readonly conflicts?: number;
}

export interface Span {
  end(outcome?: Outcome): void;
}

export interface BatchSpan extends Span {
  /** `size`: the number of records. */
  start(operation: 'load' | 'commit', size: number): Span;
}

export interface TracedBatch {
  /** The requests whose events it contains; a request with several events may occur more than once. */
  readonly requests: Iterable<RequestSpan>;
  readonly participants: number;
  readonly updates: number;
}

export interface Tracer {
  /** false: spans are undefined, and callers need not collect what describes them. */
  readonly isOn: boolean;
  /** The span becomes `request.span`, and ends with the response. */
  traceRequest(request: IncomingMessage, response: ServerResponse): void;
  /** undefined: not recorded, since none of its requests is. */
  startBatch(batch: TracedBatch): BatchSpan | undefined;
  startDelivery(changes: number, followers: number): Span | undefined;
  /** Exports the spans that are left, or gives up after a second. */
  close(): Promise<void>;
}

/** Injection token of the tracer. */
export const TRACER = Symbol('Tracer');

export const NO_TRACES: Tracer = {
  isOn: false,
  traceRequest() {},
  startBatch: () => undefined,
  startDelivery: () => undefined,
  close: async () => {},
};

/** The fields of log lines that belong to a request. */
export function traceFields({ span }: Pick<IncomingMessage, 'span'>) {
  return span && { trace_id: span.traceId, span_id: span.spanId };
}
