// How much memory clients may hold that are slow to send or to read: bodies that are not complete, and responses that are not
// sent. Each is limited in size, and together they are by this limit. Beyond it the oldest one is cut, together with its
// connection: those of other clients last for milliseconds, so that hardly any of them is ever the oldest.
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { hasMoreToSend } from './early-response.js';

const MOST_HELD_BYTES = 64 * 1024 * 1024;
/** Smaller ones are limited well enough by the number of connections. */
const SMALL_BYTES = 16 * 1024;

export class HeldBytes {
  /** By the response to the request that they belong to, oldest first. */
  readonly #held = new Map<ServerResponse, number>();
  #total = 0;

  /** `cut` closes the connection of a response. */
  constructor(
    private readonly cut: (response: ServerResponse) => void,
    private readonly most = MOST_HELD_BYTES,
  ) {}

  /** Until the response is sent or its connection breaks. */
  add(response: ServerResponse, bytes: number): void {
    if (response.destroyed || response.req.socket.destroyed) return;
    const known = this.#held.get(response);
    if (known === undefined) response.once('close', () => this.#release(response));
    this.#held.set(response, (known ?? 0) + bytes);
    this.#total += bytes;
    for (const oldest of this.#held.keys()) {
      if (this.#total <= this.most) break;
      this.#release(oldest);
      this.cut(oldest);
    }
  }

  /** A text that is sent as a response. */
  addText(response: ServerResponse, text: string): void {
    if (text.length > SMALL_BYTES) this.add(response, Buffer.byteLength(text));
  }

  /** Counts what comes and goes by the router. Buffers are shared by all who are sent them, and take no memory of their own. */
  watch(http: FastifyInstance): void {
    http.addHook('preParsing', ({ raw }, reply, _payload, done) => {
      if (hasMoreToSend(raw)) raw.on('data', ({ length }: Buffer) => this.add(reply.raw, length));
      done();
    });
    http.addHook('onSend', (_request, reply, payload, done) => {
      if (typeof payload === 'string') this.addText(reply.raw, payload);
      done();
    });
  }

  #release(response: ServerResponse): void {
    this.#total -= this.#held.get(response) ?? 0;
    this.#held.delete(response);
  }
}
