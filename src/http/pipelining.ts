// HTTP pipelining: requests that a client sends without waiting for the response to the one before. Node begins all of them
// at once, up to thousands from one packet, and keeps their responses until the client reads. Here a request begins when the
// response to the one before has left for the client: a connection has one request in progress and one response in memory,
// however little its client reads. Responses are in order anyway, and so is now the work. (RFC 9112, section 9.3.2)
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that wait behind another one of their connection. */
const MOST_WAITING = 32;
/** The same, of all connections: each takes a few kilobytes. */
const MOST_WAITING_IN_ALL = 4_096;

/** To be called after all listeners are there. `cut` closes a connection that pipelines too many requests. */
export function answerInTurn(server: Server, cut: (socket: Socket) => void): void {
  const turns = new Turns(cut);
  for (const event of ['request', 'checkExpectation']) {
    const [handle] = server.listeners(event) as RequestListener[];
    if (!handle) continue;
    server.removeAllListeners(event);
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      // Only the response whose turn it is has the socket.
      if (response.socket) handle(request, response);
      else turns.wait(request, response, handle);
    });
  }
}

class Turns {
  readonly #waiting = new Map<Socket, number>();
  #waitingInAll = 0;

  constructor(private readonly cut: (socket: Socket) => void) {}

  wait(request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    const { socket } = request;
    if (socket.destroyed) return;
    if ((this.#waiting.get(socket) ?? 0) >= MOST_WAITING || this.#waitingInAll >= MOST_WAITING_IN_ALL) {
      this.cut(socket);
      return;
    }
    this.#add(socket, 1);
    response.once('socket', () => {
      this.#add(socket, -1);
      // Node is not done with the response before.
      process.nextTick(() => {
        if (!socket.destroyed) handle(request, response);
      });
    });
  }

  #add(socket: Socket, change: number): void {
    const known = this.#waiting.get(socket);
    if (known === undefined) socket.once('close', () => this.#forget(socket));
    // One that is closed has been forgotten already.
    if (known === undefined && change < 0) return;
    this.#waiting.set(socket, (known ?? 0) + change);
    this.#waitingInAll += change;
  }

  #forget(socket: Socket): void {
    this.#waitingInAll -= this.#waiting.get(socket) ?? 0;
    this.#waiting.delete(socket);
  }
}
