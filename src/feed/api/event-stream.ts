// One response of server-sent events. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** What may wait for a client that reads too slowly. */
const MAX_PENDING_BYTES = 256 * 1024;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // A proxy that compressed it, or kept it until it is complete, would hold events back; a cached one repeats them.
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
  // The connection has served its purpose when the stream ends, and a service that stops is not to wait for it.
  connection: 'close',
};

export class EventStream {
  readonly #response: ServerResponse;

  /** Sends the head. `onClose`: when the client has gone, or the stream has ended; later than this call. */
  constructor(response: ServerResponse, headers: OutgoingHttpHeaders, onClose: () => void) {
    this.#response = response;
    response.socket?.setNoDelay(true);
    // The request's: a response that waits for another one of its connection never hears of the end.
    response.req.once('close', onClose);
    if (response.req.destroyed) queueMicrotask(onClose);
    // In chunks, each event would cost two small writes more. The end of the connection is the end of the stream.
    response.removeHeader('transfer-encoding');
    response.writeHead(200, { ...headers, ...HEADERS });
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }

  /** Whether the client has not taken all that it could. */
  get isFull(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** false: more than may be waits for the client already, and it is to be cut. */
  write(text: string | Buffer): boolean {
    if (!this.isOpen) return true;
    // What was written before: this text goes out with the next tick at the earliest, however fast the client reads.
    if (this.#response.writableLength > MAX_PENDING_BYTES) return false;
    this.#response.write(text);
    return true;
  }

  /** Resolves when the client has taken what was written, or has gone. */
  async drained(): Promise<void> {
    if (!this.isOpen || !this.isFull) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#response.off('drain', end).off('close', end);
        resolve();
      };
      this.#response.on('drain', end).on('close', end);
    });
  }

  end(text: string): void {
    if (this.isOpen) this.#response.end(text);
  }

  /** Without what still waits. */
  cut(): void {
    this.#response.destroy();
  }
}

/** `json`: on one line. */
export function eventText(event: string, id: string, json: string): string {
  return `id: ${id}\nevent: ${event}\ndata: ${json}\n\n`;
}

export function retryText(retryMs: number): string {
  return `retry: ${Math.round(retryMs)}\n\n`;
}

/** A comment: it shows the client, and all between, that the connection lives. */
export const BEAT = ':\n\n';
