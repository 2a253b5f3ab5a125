// The HTTP server below Nest: its limits, content types, and the responses that are sent without a route.
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Tracer } from '../observability/tracing/tracer.js';
import { Admission } from './admission.js';
import { ConnectionLimit } from './connection-limit.js';
import { type FastPath, HttpResponse, routeOnceParsed } from './early-response.js';
import { InFlightLimit } from './in-flight-limit.js';
import { acceptJsonOnly, BODY_LIMIT_BYTES } from './json-body.js';
import type { KnownPaths } from './known-paths.js';
import { MAX_PATH_PARAMETER_LENGTH, refuseMalformedUrls } from './malformed-url.js';
import { watchMethods } from './method-not-allowed.js';
import { overloadedProblem, ProblemError, stoppingProblem } from './problem.js';
import type { Refusals } from './refusals.js';
import { logAnswered, requestLog } from './request-log.js';
import { routeOptionsOf } from './route-options.js';
import { constantHeaders } from './security-headers.js';
import { limitSlowClients, type SlowClientTimeouts } from './slow-clients.js';
import { refuseConnection, refuseUnreadable, refuseUnsupported } from './unreadable-request.js';

/** `requestMs`: from the first byte of a request to its last. */
const TIMEOUTS: Timeouts = { requestMs: 10_000, stalledWriteMs: 10_000, checkMs: 2_000 };

interface Timeouts extends SlowClientTimeouts {
  readonly requestMs: number;
}

export interface HttpServer {
  readonly adapter: FastifyAdapter;
  readonly admission: Admission;
  /** Must be called after all routes are added. */
  readonly complete: (fastPath: FastPath) => void;
}

export interface HttpSettings {
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For is used; see client-address.ts. */
  readonly trustProxy: readonly string[];
  readonly maxConnections: number;
  readonly keepAliveMs: number;
  /** The in-flight limit, for all routes that have no limit of their own. */
  readonly maxInFlight: number;
  readonly corsOrigins: readonly string[];
  readonly rateLimitPerMinute: number;
  /** 0: no limit. */
  readonly callbacksPerMinutePerUrl: number;
  /** Only for tests, which do not wait that long. */
  readonly timeouts?: Timeouts;
}

interface ServerParts {
  readonly refusals: Refusals;
  readonly paths: KnownPaths;
  readonly tracer: Tracer;
}

export function createHttpServer(
  log: Logger,
  { maxConnections, maxInFlight, keepAliveMs, corsOrigins, timeouts = TIMEOUTS }: HttpSettings,
  { refusals, paths, tracer }: ServerParts,
): HttpServer {
  const adapter = new FastifyAdapter({
    loggerInstance: log,
    // Fastify's own request log has the URL, which may hold a secret, and writes two lines per callback.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: {
      // Node's own 400 for a missing Host header has no problem body.
      requireHostHeader: false,
      headersTimeout: timeouts.requestMs,
      connectionsCheckingInterval: timeouts.checkMs,
      ServerResponse: HttpResponse,
    },
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } },
    frameworkErrors: refuseMalformedUrls(refusals, paths, constantHeaders(corsOrigins)),
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, refusals),
  });
  const http = adapter.getInstance();
  // A logger for each request would take a noticeable part of its time; see request-log.ts.
  http.setChildLoggerFactory((logger) => logger);
  refuseUnsupported(http.server, refusals);
  const connections = new ConnectionLimit(maxConnections, (socket) => {
    refuseConnection(socket, tooManyConnections(), refusals);
    // Lingering would keep connections beyond the limit open.
    socket.destroySoon();
  });
  http.server.on('connection', (socket) => connections.accept(socket));
  const { limitPipelining } = limitSlowClients(http, connections, { refusals, timeouts });
  const inFlight = new InFlightLimit(maxInFlight);
  if (tracer.isOn) nameSpans(http);
  closeConnectionsOnShutdown(http, connections, inFlight);
  limitRequests(http, connections, inFlight);
  paths.watch(http);
  acceptJsonOnly(http);
  if (log.isLevelEnabled('debug')) logResponses(http);
  const addMethods = watchMethods(http);
  const complete = (fastPath: FastPath) => {
    routeOnceParsed(http.server, fastPath, tracer);
    addMethods();
    limitPipelining();
  };
  return { adapter, admission: new Admission(connections, inFlight), complete };
}

/** Fastify's JSON schema compilers are slow to load, and no route here has a schema. */
function refuseSchema(): never {
  throw new Error('routes have no JSON schema: requests are validated by their DTO');
}

function logResponses(http: FastifyInstance): void {
  http.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request;
    const { statusCode: status, elapsedTime: elapsedMs } = reply;
    logAnswered(requestLog(request), { method, route: routeOptions.url, status, elapsedMs });
    done();
  });
}

/** Before all other hooks, so that a request that one of them refuses has its route, too. */
function nameSpans(http: FastifyInstance): void {
  http.addHook('onRequest', ({ raw, routeOptions }, _reply, done) => {
    if (routeOptions.url !== undefined) raw.span?.setRoute(routeOptions.url);
    done();
  });
}

function closeConnectionsOnShutdown(http: FastifyInstance, sockets: Iterable<Socket>, inFlight: InFlightLimit): void {
  http.addHook('preClose', async () => {
    inFlight.close();
    // Some clients open connections in advance; Node treats them as active and would wait for them.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  });
  http.addHook('onRequest', ({ routeOptions }, _reply, done) => {
    done(
      !inFlight.isClosing || routeOptionsOf(routeOptions.config).probe === 'liveness' ? undefined : stoppingProblem(),
    );
  });
  http.addHook('onSend', (_request, reply, _payload, done) => {
    if (inFlight.isClosing) reply.header('connection', 'close');
    done();
  });
}

function tooManyConnections(): ProblemError {
  return overloadedProblem('The connection limit is reached.', { reason: 'too-many-connections' });
}

/**
 * Requests beyond the limit are refused immediately: queued ones would take memory and be answered too late. Probes are always
 * answered: a busy process is alive, and restarting it would lose its work.
 */
function limitRequests(http: FastifyInstance, connections: ConnectionLimit, inFlight: InFlightLimit): void {
  http.addHook('onRequest', ({ raw, routeOptions }, reply, done) => {
    const { probe } = routeOptionsOf(routeOptions.config);
    if (connections.isReserved(raw.socket)) {
      reply.header('connection', 'close');
      if (!probe) return done(tooManyConnections());
      connections.pin(raw.socket);
    }
    done();
  });
  // After the body is received: a client that never completes its body must not count as in flight.
  http.addHook('preValidation', ({ routeOptions }, reply, done) => {
    const { probe, hasOwnLimit } = routeOptionsOf(routeOptions.config);
    done(probe || hasOwnLimit || inFlight.acquire(reply.raw) ? undefined : overloadedProblem());
  });
}
