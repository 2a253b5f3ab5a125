// Limits the memory used for slow clients: incomplete request bodies and unsent responses. Each of them has a size limit of its
// own; this is the limit on their total. Beyond it the connection of the oldest one is closed. Buffers of normal clients live
// for milliseconds, so they are hardly ever the oldest.
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { isBodyIncomplete } from './early-response.js';

const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
/** Smaller responses are not counted: the connection limit is enough for them. */
const SMALL_BYTES = 16 * 1024;

export class BufferLimit {
  /** Buffered bytes of each request and its response, oldest first. */
  readonly #sizes = new Map<ServerResponse, number>();
  #totalBytes = 0;

  /** `close` must close the connection of a response. */
  constructor(
    private readonly close: (response: ServerResponse) => void,
    private readonly maxBytes = MAX_TOTAL_BYTES,
  ) {}

  /** Counts the bytes until the response is sent or its connection closes. */
  add(response: ServerResponse, bytes: number): void {
    if (response.destroyed || response.req.socket.destroyed) return;
    const known = this.#sizes.get(response);
    if (known === undefined) response.once('close', () => this.#release(response));
    this.#sizes.set(response, (known ?? 0) + bytes);
    this.#totalBytes += bytes;
    for (const oldest of this.#sizes.keys()) {
      if (this.#totalBytes <= this.maxBytes) break;
      this.#release(oldest);
      this.close(oldest);
    }
  }

  addText(response: ServerResponse, text: string): void {
    if (text.length > SMALL_BYTES) this.add(response, Buffer.byteLength(text));
  }

  /** Counts the bodies and responses of the router. Payloads that are a Buffer are shared between responses, and not counted. */
  watch(http: FastifyInstance): void {
    http.addHook('preParsing', ({ raw }, reply, _payload, done) => {
      if (isBodyIncomplete(raw)) raw.on('data', ({ length }: Buffer) => this.add(reply.raw, length));
      done();
    });
    http.addHook('onSend', (_request, reply, payload, done) => {
      if (typeof payload === 'string') this.addText(reply.raw, payload);
      done();
    });
  }

  #release(response: ServerResponse): void {
    this.#totalBytes -= this.#sizes.get(response) ?? 0;
    this.#sizes.delete(response);
  }
}
