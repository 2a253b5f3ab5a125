import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConnectionLimit } from './connection-limit.js';
import type { InFlightLimit } from './in-flight-limit.js';

/** The limits that every request must pass, for code that handles requests without Fastify. */
export class Admission {
  constructor(
    private readonly connections: ConnectionLimit,
    private readonly inFlight: InFlightLimit,
  ) {}

  /** If true, the request is in flight until its response is written. Otherwise the hooks of http-server.ts say what is wrong. */
  admit({ socket }: IncomingMessage, response: ServerResponse): boolean {
    return !this.inFlight.isClosing && !this.connections.isReserved(socket) && this.inFlight.acquire(response);
  }

  /** While closing, each response is the last one of its connection. */
  get isClosing(): boolean {
    return this.inFlight.isClosing;
  }
}
