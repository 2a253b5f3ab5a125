// What is refused without a request that Fastify knows: there is only a connection, or a request that Node itself turns away.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { closeLingering } from './lingering-close.js';
import {
  PROBLEM_CONTENT_TYPE,
  PROBLEMS,
  ProblemError,
  problemBody,
  problemOfStatus,
  type RefusalReason,
} from './problem.js';
import type { Refusals, RefusedMessage } from './refusals.js';

const CLOSED_EARLY = 'HPE_INVALID_EOF_STATE';
const REQUEST_LINE = /^([A-Z]{1,16}) (\S+) HTTP\/1\.[01]\r?\n/;
const MALFORMED = { status: 400, reason: 'malformed-http' } as const;

/** By the code of Node's error. */
const UNREADABLE = new Map<string | undefined, { status: number; reason: RefusalReason }>([
  ['HPE_HEADER_OVERFLOW', { status: 431, reason: 'headers-too-large' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: 408, reason: 'request-timeout' }],
  // The client closed its side in the middle of a request.
  [CLOSED_EARLY, { status: 400, reason: 'client-disconnected' }],
]);

/** What Node cannot read as a request has no reply, only a socket. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket, refusals: Refusals): void {
  const isGone = error.code === 'ECONNRESET' || !socket.writable;
  const { status, reason } = UNREADABLE.get(isGone ? CLOSED_EARLY : error.code) ?? MALFORMED;
  const detail = 'This cannot be read as an HTTP request.';
  const problem = new ProblemError(problemOfStatus(status), { detail }, { reason });
  const request = requestBeingReceived(socket) ?? requestOfHead(error, socket);
  if (!isGone) {
    refuseConnection(socket, problem, refusals, request);
    return;
  }
  // Nobody is there to be answered; but a callback that broke off is lost.
  if (request) refusals.ofConnection(socket, randomUUID(), problem, request);
  socket.destroy();
}

/** undefined: there is none, or it has been answered before it came whole. Only Node's parser knows it. */
function requestBeingReceived(socket: Socket): IncomingMessage | undefined {
  const { parser, _httpMessage: response } = socket as Socket & {
    parser?: { incoming?: IncomingMessage | null } | null;
    _httpMessage?: ServerResponse | null;
  };
  const request = parser?.incoming;
  if (!request || request.complete) return undefined;
  return response?.req === request && response.headersSent ? undefined : request;
}

/**
 * The request whose head cannot be read, by its first line. undefined: the packet that has the fault begins with something
 * else, or with a head that could be read.
 */
function requestOfHead(error: Error, socket: Socket): RefusedMessage | undefined {
  const { rawPacket, bytesParsed = 0 } = error as { rawPacket?: Buffer; bytesParsed?: number };
  const packet = rawPacket?.toString('latin1') ?? '';
  const [requestLine, method, url] = REQUEST_LINE.exec(packet) ?? [];
  const isOfLater = packet.slice(0, bytesParsed).includes('\r\n\r\n');
  return requestLine && !isOfLater ? { method, url, headers: {}, socket } : undefined;
}

/**
 * Whether something else is expected next on this connection, or on its way: what is written now would be taken for a part of
 * it. Only Node knows which response has the socket.
 */
function isAnswering(socket: Socket): boolean {
  const { _httpMessage: response } = socket as { _httpMessage?: ServerResponse | null };
  return !!response && (response.headersSent || response.req.complete);
}

export function refuseConnection(
  socket: Socket,
  problem: ProblemError,
  refusals: Refusals,
  request?: RefusedMessage,
): void {
  const requestId = randomUUID();
  refusals.ofConnection(socket, requestId, problem, request);
  if (isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(problemBody(problem, requestId));
  const headers = {
    ...problem.members.headers,
    'content-type': PROBLEM_CONTENT_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${problem.status} ${PROBLEMS[problem.problem].title}`, ...fields];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  closeLingering(socket);
}

export function refuseUnsupported(server: Server, refusals: Refusals): void {
  const detail = 'The only supported expectation is 100-continue.';
  const problem = new ProblemError('expectation-failed', { detail });
  // Without a listener Node closes the connection and says nothing.
  server.on('connect', ({ socket }) => {
    const connectProblem = new ProblemError('method-not-allowed', { detail: 'This server is not a proxy.' });
    refuseConnection(socket, connectProblem, refusals);
  });
  server.on('checkExpectation', (request, response) => {
    const requestId = randomUUID();
    refusals.ofRaw(request, { requestId }, problem);
    response.writeHead(problem.status, { 'content-type': PROBLEM_CONTENT_TYPE });
    response.end(JSON.stringify(problemBody(problem, requestId)));
  });
}
