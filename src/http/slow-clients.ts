// Limits for clients that do not read their responses or do not finish their requests. Their connections are closed without an
// error response, which they would not read.
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { BufferLimit } from './buffer-limit.js';
import type { ConnectionLimit } from './connection-limit.js';
import { limitPipelining } from './pipelining.js';
import { overloadedProblem, type RefusalReason } from './problem.js';
import type { Refusals } from './refusals.js';
import { StalledWrites } from './stalled-writes.js';

export interface SlowClientTimeouts {
  /** How long a client may stop reading its response. */
  readonly stalledWriteMs: number;
  /** How often connections are checked for stalled writes. */
  readonly checkMs: number;
}

interface Parts {
  readonly refusals: Refusals;
  readonly timeouts: SlowClientTimeouts;
}

export function limitSlowClients(http: FastifyInstance, connections: ConnectionLimit, { refusals, timeouts }: Parts) {
  const close = (socket: Socket, reason: RefusalReason) => {
    refusals.recordConnection(socket, randomUUID(), overloadedProblem('', { reason }));
    socket.destroy();
  };
  const stalled = new StalledWrites(timeouts.stalledWriteMs, (socket) => close(socket, 'response-not-read'));
  const check = () => {
    stalled.check(connections, performance.now());
    connections.sample();
  };
  const timer = setInterval(check, timeouts.checkMs).unref();
  http.addHook('onClose', async () => clearInterval(timer));
  new BufferLimit(({ req }) => close(req.socket, 'memory-limit')).watch(http);
  return {
    /** Must be called after all request listeners are added. */
    limitPipelining: () => limitPipelining(http.server, (socket) => close(socket, 'too-many-pipelined')),
  };
}
