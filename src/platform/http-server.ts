// The HTTP server below Nest: its limits, what it takes, and what it answers before there is a route.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { acceptJsonOnly, BODY_LIMIT_BYTES } from './json-body.js';
import { watchMethods } from './method-not-allowed.js';
import {
  PROBLEM_CONTENT_TYPE,
  PROBLEMS,
  ProblemError,
  problemBody,
  problemOfStatus,
  stoppingProblem,
} from './problem.js';
import { refuseInheritedNames } from './validation.js';

/** From the first byte of a request to its last: a sender slower than this only holds a connection. */
const REQUEST_TIMEOUT_MS = 10_000;
/** An id of 256 characters, percent-encoded. */
const MAX_PATH_PARAMETER = 4_096;

export interface HttpServer {
  readonly adapter: FastifyAdapter;
  /** To be called when all routes are there. */
  readonly complete: () => void;
}

export function createHttpServer(log: Logger): HttpServer {
  const adapter = new FastifyAdapter({
    loggerInstance: log,
    // Its lines have the URL, and there would be two for every callback.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Nobody here looks at it, and Node's own refusal of its absence has no body.
    http: { requireHostHeader: false },
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const problem = new ProblemError(problemOfStatus(error.statusCode ?? 400), { detail: error.message });
      const body = JSON.stringify(problemBody(problem, request.id));
      void reply.code(PROBLEMS[problem.problem].status).header('content-type', PROBLEM_CONTENT_TYPE).send(body);
    },
    clientErrorHandler: refuseConnection,
  });
  const http = adapter.getInstance();
  http.server.on('checkExpectation', refuseExpectation);
  endConnectionsOnClose(http);
  acceptJsonOnly(http);
  http.addHook('onRequest', async ({ query }) => refuseInheritedNames(Object.keys(query ?? {})));
  http.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    const elapsedMs = Math.round(reply.elapsedTime);
    request.log.debug({ method, route: routeOptions.url, status: reply.statusCode, elapsedMs }, 'answered');
  });
  return { adapter, complete: watchMethods(http) };
}

/** What is under way is answered, and each answer is the last of its connection; what comes now is turned away. */
function endConnectionsOnClose(http: FastifyInstance): void {
  let isClosing = false;
  const sockets = new Set<Socket>();
  http.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  http.addHook('preClose', async () => {
    isClosing = true;
    // Opened in advance, as some clients do. Node takes it for one with a request under way.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  });
  http.addHook('onRequest', async () => {
    if (!isClosing) return;
    throw stoppingProblem();
  });
  http.addHook('onSend', async (_, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
}

function refuseExpectation(_: IncomingMessage, response: ServerResponse): void {
  const problem = new ProblemError('expectation-failed', { detail: 'The only expectation there is, is 100-continue.' });
  response.writeHead(PROBLEMS[problem.problem].status, { 'content-type': PROBLEM_CONTENT_TYPE });
  response.end(JSON.stringify(problemBody(problem, randomUUID())));
}

/** What Node cannot read as a request has no reply, only a socket. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const problem = new ProblemError(problemOfStatus(status), { detail: 'This cannot be read as an HTTP request.' });
  const body = JSON.stringify(problemBody(problem, randomUUID()));
  const head = [
    `HTTP/1.1 ${status} ${PROBLEMS[problem.problem].title}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
