// A response with server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** The limit of unsent data for a slow client. */
const MAX_PENDING_BYTES = 256 * 1024;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // A proxy that compresses or buffers the response would delay events; a cached response would repeat them.
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
  // A kept-alive connection would delay the shutdown of the service.
  connection: 'close',
};

export class EventStream {
  readonly #response: ServerResponse;

  /** Sends the headers. `onClose` is called asynchronously when the client has disconnected or the stream has ended. */
  constructor(response: ServerResponse, headers: OutgoingHttpHeaders, onClose: () => void) {
    this.#response = response;
    response.socket?.setNoDelay(true);
    // Not the response: one that is queued behind another on its connection emits no `close`.
    response.req.once('close', onClose);
    if (response.req.destroyed) queueMicrotask(onClose);
    // Chunked encoding would add two small writes per event. The end of the connection is the end of the stream.
    response.removeHeader('transfer-encoding');
    response.writeHead(200, { ...headers, ...HEADERS });
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }

  /** Whether the client is behind (back-pressure). */
  get isBackedUp(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** false: too much is unsent already; the caller must disconnect the client. */
  write(text: string | Buffer): boolean {
    if (!this.isOpen) return true;
    // Counts earlier writes only: however fast the client reads, this text is not sent before the next tick.
    if (this.#response.writableLength > MAX_PENDING_BYTES) return false;
    this.#response.write(text);
    return true;
  }

  /** Resolves when everything was sent or the client has disconnected. */
  async drained(): Promise<void> {
    if (!this.isOpen || !this.isBackedUp) return;
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

  /** Discards unsent data. */
  destroy(): void {
    this.#response.destroy();
  }
}

/** `json` must be a single line. */
export function formatEvent(event: string, id: string, json: string): string {
  return `id: ${id}\nevent: ${event}\ndata: ${json}\n\n`;
}

export function formatRetry(retryMs: number): string {
  return `retry: ${Math.round(retryMs)}\n\n`;
}

/** A comment, which keeps the connection from being considered idle. */
export const HEARTBEAT = ':\n\n';
