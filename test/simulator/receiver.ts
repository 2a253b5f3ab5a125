// A customer's receiver of webhooks: it records what it receives, and answers as configured.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeOnce } from '../leftovers.js';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
}

export class Receiver {
  readonly received: Received[] = [];

  private constructor(private readonly server: Server) {}

  /** If `reply` returns undefined, the request is never answered. */
  static async start(reply: (request: Received) => Reply | undefined = () => ({ status: 204 })): Promise<Receiver> {
    const server = createServer((request, response) => {
      const { url: path = '', headers } = request;
      let body = '';
      request.on('data', (text) => {
        body += String(text);
      });
      request.on('end', () => {
        const received = { path, headers, body };
        receiver.received.push(received);
        const answer = reply(received);
        if (answer) response.writeHead(answer.status, answer.headers).end();
      });
    });
    const receiver = new Receiver(server);
    closeOnce(() => receiver.stop());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
