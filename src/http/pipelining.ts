// Limits HTTP pipelining (RFC 9112, section 9.3.2): requests sent without waiting for the previous response. Node starts all
// of them at once, up to thousands from one packet, and buffers their responses until the client reads them. Here a request
// starts only when the previous response has been sent, so that a connection has one request in flight and one response in
// memory, no matter how slowly its client reads.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Queued requests per connection. */
const MAX_QUEUED_PER_CONNECTION = 32;
/** Queued requests of all connections: each takes a few kilobytes. */
const MAX_QUEUED = 4_096;

/** Must be called after all request listeners are added. `close` must close a connection that pipelines too many requests. */
export function limitPipelining(server: Server, close: (socket: Socket) => void): void {
  const queue = new PipelineQueue(close);
  for (const event of ['request', 'checkExpectation']) {
    const [handle] = server.listeners(event) as RequestListener[];
    if (!handle) continue;
    server.removeAllListeners(event);
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      // Node assigns the socket to the response that is next to be sent.
      if (response.socket) handle(request, response);
      else queue.add(request, response, handle);
    });
  }
}

class PipelineQueue {
  readonly #queued = new Map<Socket, number>();
  #totalQueued = 0;

  constructor(private readonly close: (socket: Socket) => void) {}

  add(request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    const { socket } = request;
    if (socket.destroyed) return;
    if ((this.#queued.get(socket) ?? 0) >= MAX_QUEUED_PER_CONNECTION || this.#totalQueued >= MAX_QUEUED) {
      this.close(socket);
      return;
    }
    this.#count(socket, 1);
    response.once('socket', () => {
      this.#count(socket, -1);
      // Node still has work to do for the previous response.
      process.nextTick(() => {
        if (!socket.destroyed) handle(request, response);
      });
    });
  }

  #count(socket: Socket, change: number): void {
    const known = this.#queued.get(socket);
    if (known === undefined) socket.once('close', () => this.#forget(socket));
    // A closed connection has been forgotten already.
    if (known === undefined && change < 0) return;
    this.#queued.set(socket, (known ?? 0) + change);
    this.#totalQueued += change;
  }

  #forget(socket: Socket): void {
    this.#totalQueued -= this.#queued.get(socket) ?? 0;
    this.#queued.delete(socket);
  }
}
