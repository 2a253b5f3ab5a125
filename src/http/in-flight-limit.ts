// The in-flight limit. Every request counts, except those of routes that have a limit of their own.
import type { ServerResponse } from 'node:http';
import { noteRequest } from '../runtime/tick-batch.js';

export class InFlightLimit {
  #isClosing = false;
  readonly #inFlight = new Set<ServerResponse>();
  readonly #release: (this: ServerResponse) => void;

  constructor(readonly max: number) {
    const inFlight = this.#inFlight;
    // One function for all requests instead of a closure for each.
    this.#release = function release() {
      inFlight.delete(this);
    };
  }

  /** While closing, requests in flight are answered, each with the last response of its connection; new ones are refused. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  get count(): number {
    return this.#inFlight.size;
  }

  close(): void {
    this.#isClosing = true;
  }

  /**
   * Returns whether the request may proceed. It is then in flight until its response is written or its connection closes. A
   * response that waits for the client to read it no longer counts; see buffer-limit.ts.
   */
  acquire(response: ServerResponse): boolean {
    noteRequest();
    if (this.#inFlight.size >= this.max) return false;
    // The connection closed while the body was received: no event would release it.
    if (response.destroyed) return true;
    this.#inFlight.add(response);
    response.on('prefinish', this.#release);
    response.on('close', this.#release);
    return true;
  }
}
