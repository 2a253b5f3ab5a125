// Stands between Rollcall and the API of a provider, and answers in its place while it has a fault.
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as openRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeOnce } from '../leftovers.js';

/** Answers a request, or returns false to have it passed on. */
export type Fault = (request: { readonly path: string }, response: ServerResponse) => boolean;

export class FaultyProxy {
  /** undefined: every request is passed on. */
  fault: Fault | undefined;
  /** The paths so far, with the query. */
  readonly paths: string[] = [];
  readonly stop: () => Promise<void>;

  private constructor(
    readonly url: string,
    server: Server,
  ) {
    this.stop = closeOnce(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
  }

  static async start(target: string): Promise<FaultyProxy> {
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const { method = 'GET', url: path = '/', headers } = request;
      proxy.paths.push(path);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (proxy.fault?.({ path }, response)) return;
      const { authorization = '', 'content-type': type = 'application/json' } = headers;
      // A connection of its own: one that is kept open may just be closed by the other side.
      const options = { method, headers: { authorization, 'content-type': type }, agent: false };
      const passed = openRequest(target + path, options, (answer) => {
        response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
        answer.pipe(response);
      });
      passed.on('error', () => response.destroy()).end(Buffer.concat(chunks));
    };
    const server = createServer((request, response) => void answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FaultyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    return proxy;
  }
}

const isOfEndpoints = (path: string) => path.includes('/endpoints');

export const tooManyRequests: Fault = (_, response) => {
  response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '20' }).end('{"errors":[]}');
  return true;
};

export const down: Fault = (_, response) => {
  response.destroy();
  return true;
};

/** Only the list: it is a valid answer that nobody is there. */
export const emptyList: Fault = ({ path }, response) => {
  if (!isOfEndpoints(path) || !path.includes('?')) return false;
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"links":[],"data":[],"errors":[]}');
  return true;
};

/** Everything is an empty object. */
export const emptyAnswers: Fault = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  return true;
};

/** As a proxy answers that does not know the service. */
export const notFound: Fault = ({ path }, response) => {
  if (!isOfEndpoints(path)) return false;
  response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
  return true;
};
