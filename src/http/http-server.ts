// The HTTP server below Nest: its limits, what it takes, and what it answers before there is a route.
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { ConnectionLimit } from './connection-limit.js';
import { HttpResponse, routeOnceParsed } from './early-response.js';
import { acceptJsonOnly, BODY_LIMIT_BYTES } from './json-body.js';
import type { KnownPaths } from './known-paths.js';
import { MAX_PATH_PARAMETER_LENGTH, refuseMalformedUrls } from './malformed-url.js';
import { watchMethods } from './method-not-allowed.js';
import { overloadedProblem, ProblemError, stoppingProblem } from './problem.js';
import type { Refusals } from './refusals.js';
import { RequestGate } from './request-gate.js';
import { routeOptionsOf } from './route-options.js';
import { headersOfRefusal } from './security-headers.js';
import { limitSlowClients, type SlowClientTimeouts } from './slow-clients.js';
import { refuseConnection, refuseUnreadable, refuseUnsupported } from './unreadable-request.js';

/** The first: from the first byte of a request to its last. A sender slower than this only holds a connection. */
const TIMEOUTS: Timeouts = { requestMs: 10_000, stalledWriteMs: 10_000, checkMs: 2_000 };

interface Timeouts extends SlowClientTimeouts {
  readonly requestMs: number;
}

export interface HttpServer {
  readonly adapter: FastifyAdapter;
  /** To be called when all routes are there. */
  readonly complete: () => void;
}

export interface HttpSettings {
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For is used: see client-address.ts. */
  readonly trustProxy: readonly string[];
  readonly maxConnections: number;
  readonly keepAliveMs: number;
  /** Requests in progress at once, except those of routes that have a limit of their own. */
  readonly maxInFlight: number;
  readonly corsOrigins: readonly string[];
  readonly rateLimitPerMinute: number;
  /** 0: no limit. */
  readonly callbacksPerMinutePerUrl: number;
  /** Of tests that do not wait for so long. */
  readonly timeouts?: Timeouts;
}

interface RefusalParts {
  readonly refusals: Refusals;
  readonly paths: KnownPaths;
}

export function createHttpServer(
  log: Logger,
  { maxConnections, maxInFlight, keepAliveMs, corsOrigins, timeouts = TIMEOUTS }: HttpSettings,
  { refusals, paths }: RefusalParts,
): HttpServer {
  const adapter = new FastifyAdapter({
    loggerInstance: log,
    // Its lines have the URL, and there would be two for every callback.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Nobody here looks at it, and Node's own refusal of its absence has no body.
    http: {
      requireHostHeader: false,
      headersTimeout: timeouts.requestMs,
      connectionsCheckingInterval: timeouts.checkMs,
      ServerResponse: HttpResponse,
    },
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } },
    frameworkErrors: refuseMalformedUrls(refusals, paths, headersOfRefusal(corsOrigins)),
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, refusals),
  });
  const http = adapter.getInstance();
  routeOnceParsed(http.server);
  refuseUnsupported(http.server, refusals);
  const connections = new ConnectionLimit(maxConnections, (socket) => {
    refuseConnection(socket, tooManyConnections(), refusals);
    // There is no room to linger.
    socket.destroySoon();
  });
  http.server.on('connection', (socket) => connections.accept(socket));
  const { answerInTurn } = limitSlowClients(http, connections, { refusals, timeouts });
  const gate = new RequestGate(maxInFlight);
  endConnectionsOnClose(http, connections, gate);
  limitRequests(http, connections, gate);
  paths.watch(http);
  acceptJsonOnly(http);
  if (log.isLevelEnabled('debug')) logAnswers(http);
  const addMethods = watchMethods(http);
  const complete = () => {
    addMethods();
    answerInTurn();
  };
  return { adapter, complete };
}

/** Fastify's own compilers of JSON schemas take a while to load, and no route here has one. */
function refuseSchema(): never {
  throw new Error('routes have no JSON schema: what is asked is checked by its DTO');
}

function logAnswers(http: FastifyInstance): void {
  http.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request;
    const elapsedMs = Math.round(reply.elapsedTime);
    request.log.debug({ method, route: routeOptions.url, status: reply.statusCode, elapsedMs }, 'answered');
    done();
  });
}

function endConnectionsOnClose(http: FastifyInstance, sockets: Iterable<Socket>, gate: RequestGate): void {
  http.addHook('preClose', async () => {
    gate.close();
    // Opened in advance, as some clients do. Node takes it for one with a request under way.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  });
  http.addHook('onRequest', ({ routeOptions }, _reply, done) => {
    done(!gate.isClosing || routeOptionsOf(routeOptions.config).probe === 'liveness' ? undefined : stoppingProblem());
  });
  http.addHook('onSend', (_request, reply, _payload, done) => {
    if (gate.isClosing) reply.header('connection', 'close');
    done();
  });
}

function tooManyConnections(): ProblemError {
  return overloadedProblem('The connection limit is reached.', { reason: 'too-many-connections' });
}

/**
 * Beyond what it can take it says so at once: a late answer is worth no more, and what waits takes memory. Probes are always
 * answered: a process that is only busy is alive, and one that is restarted loses what it was busy with.
 */
function limitRequests(http: FastifyInstance, connections: ConnectionLimit, gate: RequestGate): void {
  http.addHook('onRequest', ({ raw, routeOptions }, reply, done) => {
    const { probe } = routeOptionsOf(routeOptions.config);
    if (connections.isReserved(raw.socket)) {
      reply.header('connection', 'close');
      if (!probe) return done(tooManyConnections());
      connections.keep(raw.socket);
    }
    done();
  });
  // When the body is there: a client that does not send one takes no room.
  http.addHook('preValidation', ({ routeOptions }, reply, done) => {
    const { probe, hasOwnLimit } = routeOptionsOf(routeOptions.config);
    done(probe || hasOwnLimit || gate.enter(reply.raw) ? undefined : overloadedProblem());
  });
}
