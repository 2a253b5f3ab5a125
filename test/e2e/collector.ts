// A receiver of OpenTelemetry traces, which decodes those that come as JSON.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { closeOnce } from '../leftovers.js';

type Attributes = Readonly<Record<string, unknown>>;

interface SpanId {
  readonly traceId: string;
  readonly spanId: string;
}

export interface ExportedSpan extends SpanId {
  readonly name: string;
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number;
  readonly parentSpanId: string | undefined;
  readonly attributes: Attributes;
  readonly links: readonly SpanId[];
  /** 0: unset, 2: error. */
  readonly status: number;
  /** Attributes of the process. */
  readonly resource: Attributes;
}

interface Export {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export class Collector {
  /** What the service has sent, including what was refused. */
  readonly exports: Export[] = [];
  /** undefined: does not answer. */
  status: number | undefined = 200;
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  static async start(): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    closeOnce(() => collector.stop());
    return collector;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.exports.push({ headers: request.headers, body: await buffer(request) });
    if (this.status === undefined) return;
    response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get spans(): ExportedSpan[] {
    return this.exports.flatMap(({ body }) => spansIn(JSON.parse(String(body))));
  }

  named(name: string): ExportedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }
}

interface EncodedAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

// biome-ignore lint/suspicious/noExplicitAny: as received
function spansIn({ resourceSpans }: any): ExportedSpan[] {
  // biome-ignore lint/suspicious/noExplicitAny: as received
  return resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: as received
    scopeSpans.flatMap(({ spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as received
      spans.map(({ attributes, links = [], status = {}, ...span }: any) => ({
        ...span,
        attributes: decoded(attributes),
        // biome-ignore lint/suspicious/noExplicitAny: as received
        links: links.map(({ traceId, spanId }: any) => ({ traceId, spanId })),
        status: status.code ?? 0,
        resource: decoded(resource.attributes),
      })),
    ),
  );
}

/** Each value is an object with one member, whose name is its type. */
function decoded(attributes: readonly EncodedAttribute[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
