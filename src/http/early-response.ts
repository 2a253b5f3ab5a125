// A response that is sent before its request has been received completely: a refusal, of whichever layer. What is refused is
// over, so it is the last response of its connection, and the rest of the request is not read.
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import { atTurnsEnd } from '../runtime/tick-batch.js';
import { closeLingering } from './lingering-close.js';

/** Every response of the server is one: whoever answers, and by whichever way, ends up in its writeHead. */
export class HttpResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  // `rest`: of any of its overloads.
  override writeHead(statusCode: number, ...rest: unknown[]): this {
    if (hasMoreToSend(this.req)) this.#endConnection();
    return (super.writeHead as (...parts: unknown[]) => this).call(this, statusCode, ...rest);
  }

  #endConnection(): void {
    this.shouldKeepAlive = false;
    const { socket } = this;
    // Node calls it when the last response of a connection has been sent.
    if (socket) socket.destroySoon = () => closeLingering(socket);
  }
}

/** Whether a part of the body has not been received. Node takes a request without one for incomplete until its handler has returned. */
export function hasMoreToSend({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * To be called before there is any other listener for requests. Node calls a listener before it looks at the body, which in
 * most cases has come in the same packet: when the turn ends such a request is complete, and need not be the last of its connection
 * if it is refused, like a callback that is to be sent again with credentials.
 */
export function routeOnceParsed(server: Server): void {
  const [route] = server.listeners('request') as [RequestListener];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (hasMoreToSend(request)) atTurnsEnd(() => route(request, response));
    else route(request, response);
  });
}
