import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConnectionLimit } from './connection-limit.js';
import type { InFlightLimit } from './in-flight-limit.js';

/**
 * Decides whether a request may be handled outside Fastify: the server is not closing, and the connection and in-flight limits
 * admit it.
 */
export class Admission {
  constructor(
    private readonly connections: ConnectionLimit,
    private readonly inFlight: InFlightLimit,
  ) {}

  /**
   * true: the request counts as in flight until its response is written or its connection closes. false: pass it on to
   * Fastify, whose hooks in http-server.ts send the refusal.
   */
  admit({ socket }: IncomingMessage, response: ServerResponse): boolean {
    return !this.inFlight.isClosing && !this.connections.isReserved(socket) && this.inFlight.acquire(response);
  }

  /** Requests in progress. */
  get inFlightCount(): number {
    return this.inFlight.count;
  }

  get maxInFlight(): number {
    return this.inFlight.max;
  }

  /** While closing, each response is the last one of its connection. */
  get isClosing(): boolean {
    return this.inFlight.isClosing;
  }
}
