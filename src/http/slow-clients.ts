// What clients may cost that do not read, or do not send. None of them is refused, since none of them would read it: their
// connections are cut.
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ConnectionLimit } from './connection-limit.js';
import { HeldBytes } from './held-bytes.js';
import { answerInTurn } from './pipelining.js';
import { overloadedProblem, type RefusalReason } from './problem.js';
import type { Refusals } from './refusals.js';
import { StalledWrites } from './stalled-writes.js';

export interface SlowClientTimeouts {
  /** How long a client may read nothing of what was written for it. */
  readonly stalledWriteMs: number;
  /** How often connections are checked for that. */
  readonly checkMs: number;
}

interface Parts {
  readonly refusals: Refusals;
  readonly timeouts: SlowClientTimeouts;
}

export function limitSlowClients(http: FastifyInstance, connections: ConnectionLimit, { refusals, timeouts }: Parts) {
  const cut = (socket: Socket, reason: RefusalReason) => {
    refusals.ofConnection(socket, randomUUID(), overloadedProblem('', { reason }));
    socket.destroy();
  };
  const stalled = new StalledWrites(timeouts.stalledWriteMs, (socket) => cut(socket, 'response-not-read'));
  const check = () => {
    stalled.check(connections, performance.now());
    connections.look();
  };
  const timer = setInterval(check, timeouts.checkMs).unref();
  http.addHook('onClose', async () => clearInterval(timer));
  const held = new HeldBytes(({ req }) => cut(req.socket, 'memory-limit'));
  held.watch(http);
  return {
    /** To be called when all listeners for requests are there. */
    answerInTurn: () => answerInTurn(http.server, (socket) => cut(socket, 'too-many-pipelined')),
  };
}
