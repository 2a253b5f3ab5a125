// Serves the metrics on a port of their own, without a key: the address decides who can reach it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../logging.js';
import { render } from './exposition.js';
import { WorkerMetrics } from './worker-metrics.js';

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

const MAX_CONNECTIONS = 64;
const TIMEOUT_MS = 10_000;

@Injectable()
export class MetricsServer implements OnApplicationShutdown {
  #server: Server | undefined;

  constructor(
    private readonly metrics: WorkerMetrics,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** Resolves with the URL of the metrics. Rejects if the address cannot be used. */
  async listen({ host, port }: MetricsAddress): Promise<string> {
    const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.log.error({ err: error }, 'the metrics could not be rendered');
        response.destroy();
      });
    });
    server.maxConnections = MAX_CONNECTIONS;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port }, resolve);
    });
    const address = server.address();
    const actual = typeof address === 'object' && address ? address.port : port;
    return `http://${host.includes(':') ? `[${host}]` : host}:${actual}/metrics`;
  }

  /** At the very end, so that the last values can still be scraped while requests are answered. */
  async onApplicationShutdown(): Promise<void> {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #answer({ method = '', url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isRead || url.split('?')[0] !== '/metrics') {
      response.writeHead(isRead ? 404 : 405, { 'content-type': 'text/plain', allow: 'GET, HEAD' });
      response.end('The metrics are at GET /metrics.\n');
      return;
    }
    const { contentType, text } = await render(await this.metrics.total(), headers.accept);
    response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }).end(text);
  }
}
