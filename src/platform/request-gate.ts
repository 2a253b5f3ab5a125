// How many requests are under way, and whether any more may begin. All pass here, by whichever way they are answered, but
// those of a route that has a limit of its own.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { countRequest } from './turns.js';

export class RequestGate {
  #isClosing = false;
  readonly #underWay = new Set<ServerResponse>();
  readonly #begun = new WeakSet<IncomingMessage>();
  readonly #watched = new WeakSet<Socket>();
  readonly #leave: (this: ServerResponse) => void;

  constructor(private readonly most: number) {
    const underWay = this.#underWay;
    // One for all of them, not one for each.
    this.#leave = function leave() {
      underWay.delete(this);
    };
  }

  /** What is under way is answered, and each answer is the last of its connection; what comes now is turned away. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  close(): void {
    this.#isClosing = true;
  }

  /** Whether there is room for it; if so it is under way until its answer is sent or its connection breaks. */
  enter(response: ServerResponse): boolean {
    countRequest();
    if (this.#underWay.size >= this.most) return false;
    this.#underWay.add(response);
    response.on('close', this.#leave);
    // One that waits behind another on its connection is told nothing when that breaks.
    if (response.socket === null) this.#watch(response.req.socket);
    return true;
  }

  /** Gives its room back, to be entered again by another way: a stop in between does not concern it. */
  handOver(request: IncomingMessage, response: ServerResponse): void {
    response.off('close', this.#leave);
    this.#underWay.delete(response);
    this.#begun.add(request);
  }

  hasBegun(request: IncomingMessage): boolean {
    return this.#begun.has(request);
  }

  #watch(socket: Socket): void {
    if (this.#watched.has(socket)) return;
    this.#watched.add(socket);
    socket.once('close', () => {
      for (const response of this.#underWay) if (response.req.socket === socket) this.#underWay.delete(response);
    });
  }
}
