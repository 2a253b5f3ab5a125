// Responses sent before the request has been received completely, which are refusals from any layer. Such a response is the
// last one of its connection, and the rest of the request is not read.
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Tracer } from '../observability/tracing/tracer.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import { closeLingering } from './lingering-close.js';

/** The server's response class: every response, from whichever layer, passes through its writeHead. */
export class HttpResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  // `rest`: the arguments of any overload.
  override writeHead(statusCode: number, ...rest: unknown[]): this {
    if (isBodyIncomplete(this.req)) this.#closeConnection();
    return (super.writeHead as (...parts: unknown[]) => this).call(this, statusCode, ...rest);
  }

  #closeConnection(): void {
    this.shouldKeepAlive = false;
    const { socket } = this;
    // Node calls destroySoon when the last response of a connection has been sent.
    if (socket) socket.destroySoon = () => closeLingering(socket);
  }
}

/** Whether part of the body is still to be received. For a request without a body, `complete` is false until its handler returns. */
export function isBodyIncomplete({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Handles some requests instead of the router. */
export interface FastPath {
  /** Returns whether it takes the request, which it then answers. Must not throw. */
  take(request: IncomingMessage, response: ServerResponse): boolean;
}

/**
 * Must be called before any other request listener is added. Node emits a request before it parses the body, which usually
 * came in the same packet. At the end of the tick such a request is complete, so its connection stays usable if it is
 * refused: a provider that gets 401 sends the callback again, with credentials.
 */
export function routeOnceParsed(server: Server, fastPath: FastPath, tracer: Tracer): void {
  const [route] = server.listeners('request') as [RequestListener];
  server.removeAllListeners('request');
  const handle: RequestListener = (request, response) => {
    if (!fastPath.take(request, response)) route(request, response);
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    tracer.traceRequest(request, response);
    if (isBodyIncomplete(request)) onTickEnd(() => handle(request, response));
    else handle(request, response);
  });
}
