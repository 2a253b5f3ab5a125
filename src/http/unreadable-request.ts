// Refusals before Fastify: there is only a connection, or a request that Node itself does not accept.
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

/** By Node's error code. */
const UNREADABLE = new Map<string | undefined, { status: number; reason: RefusalReason }>([
  ['HPE_HEADER_OVERFLOW', { status: 431, reason: 'headers-too-large' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: 408, reason: 'request-timeout' }],
  // The client closed its side during a request.
  [CLOSED_EARLY, { status: 400, reason: 'client-disconnected' }],
]);

/** For data that Node cannot parse as a request: there is no reply object, only the socket. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket, refusals: Refusals): void {
  const isDisconnected = error.code === 'ECONNRESET' || !socket.writable;
  const { status, reason } = UNREADABLE.get(isDisconnected ? CLOSED_EARLY : error.code) ?? MALFORMED;
  const detail = 'The data received is not a valid HTTP request.';
  const problem = new ProblemError(problemOfStatus(status), { detail }, { reason });
  const request = requestBeingReceived(socket) ?? requestOfHead(error, socket);
  if (!isDisconnected) {
    refuseConnection(socket, problem, refusals, request);
    return;
  }
  // There is nobody to answer, but an aborted callback is lost and has to be logged.
  if (request) refusals.recordConnection(socket, randomUUID(), problem, request);
  socket.destroy();
}

/** Only Node's parser knows it. undefined: there is none, or it was answered before it was complete. */
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
 * Method and URL of the request whose head is malformed. undefined: the packet with the fault does not begin with a request
 * line, or begins with a valid head.
 */
function requestOfHead(error: Error, socket: Socket): RefusedMessage | undefined {
  const { rawPacket, bytesParsed = 0 } = error as { rawPacket?: Buffer; bytesParsed?: number };
  const packet = rawPacket?.toString('latin1') ?? '';
  const [requestLine, method, url] = REQUEST_LINE.exec(packet) ?? [];
  const beginsWithValidHead = packet.slice(0, bytesParsed).includes('\r\n\r\n');
  return requestLine && !beginsWithValidHead ? { method, url, headers: {}, socket } : undefined;
}

/**
 * Whether another response is being sent or is due on this connection: the client would take an error written now for part of
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
  refusals.recordConnection(socket, requestId, problem, request);
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
  // Without a listener Node closes the connection without a response.
  server.on('connect', ({ socket }) => {
    const connectProblem = new ProblemError('method-not-allowed', { detail: 'This server is not a proxy.' });
    refuseConnection(socket, connectProblem, refusals);
  });
  server.on('checkExpectation', (request, response) => {
    const requestId = randomUUID();
    refusals.recordMessage(request, { requestId }, problem);
    response.writeHead(problem.status, { 'content-type': PROBLEM_CONTENT_TYPE });
    response.end(JSON.stringify(problemBody(problem, requestId)));
  });
}
