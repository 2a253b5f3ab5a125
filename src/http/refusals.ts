// Counts and logs every refused request, from whichever layer, by reason and with the id that the response has as `instance`.
// A log line never contains a secret, a header, a body, or the part of a callback path that follows the source.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { ThrottledLog } from '../observability/throttled-log.js';
import { traceFields } from '../observability/tracing/tracer.js';
import type { ClientAddresses } from './client-address.js';
import type { KnownPaths } from './known-paths.js';
import type { RefusalReason } from './problem.js';
import { routeOptionsOf } from './route-options.js';

/** Further refusals for the same reason within a minute are only counted. */
const LINES_PER_MINUTE = 10;

/** Failed authentication or authorization, and exceeded rate limits. */
const WARNED_STATUSES: ReadonlySet<number> = new Set([401, 403, 429]);

/** `connection`: no request had been received, or it could not be parsed. */
type RefusedKind = 'callback' | 'request' | 'connection';

/** Implemented by ProblemError. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly status: number;
  /** Fields of the log line that are specific to this refusal. */
  readonly logFields: Readonly<Record<string, unknown>>;
}

/** The parts of a request that are used here. Of a malformed one, no more is known. */
export type RefusedMessage = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'socket' | 'span'>;

interface RefusedRequest {
  readonly requestId: string;
  /** Default: decided by the method and the path. */
  readonly kind?: RefusedKind | undefined;
  /** The route pattern; without one, the redacted path is logged. */
  readonly route?: string | undefined;
  readonly keyName?: string | undefined;
}

export interface RefusalTotal {
  readonly kind: RefusedKind;
  readonly reason: RefusalReason;
  readonly count: number;
}

export class Refusals {
  readonly #totals = new Map<string, RefusalTotal>();
  readonly #refused = new WeakSet<Socket | RefusedMessage>();

  constructor(
    private readonly log: ThrottledLog,
    private readonly clients: ClientAddresses,
    private readonly paths: KnownPaths,
  ) {}

  recordRequest(request: FastifyRequest, refusal: Refusal): void {
    const { raw, id: requestId, routeOptions } = request;
    const { url: route } = routeOptions;
    const keyName = request.access?.keyName;
    const isCallback = route ? routeOptionsOf(routeOptions.config).access === 'callback' : undefined;
    const kind = isCallback === undefined ? undefined : isCallback ? 'callback' : 'request';
    this.recordMessage(raw, { kind, route, requestId, keyName }, refusal);
  }

  /** For requests that do not reach the router. */
  recordMessage(raw: RefusedMessage, { route, ...ids }: RefusedRequest, refusal: Refusal): void {
    // A request is recorded once, although a refused request may also be aborted, an aborted one may still reach the router,
    // and a refused connection aborts the request being received on it.
    if (this.#refused.has(raw)) return;
    if (refusal.reason === 'client-disconnected' && this.#refused.has(raw.socket)) return;
    this.#refused.add(raw);
    const { method, url = '' } = raw;
    raw.span?.setRefusal(refusal.reason);
    const kind = ids.kind ?? (this.paths.isCallbackRequest(method, url) ? 'callback' : 'request');
    this.#add(kind, refusal, () => ({
      method,
      ...(route ? { route } : { path: this.paths.redact(url) }),
      ...(kind === 'callback' && { source: this.paths.sourceOf(route ?? url) }),
      client: this.clients.of(raw),
      requestId: ids.requestId,
      ...traceFields(raw),
      key: ids.keyName,
    }));
  }

  /** `request`: the request being received on this connection, as far as it could be parsed. */
  recordConnection(socket: Socket, requestId: string, refusal: Refusal, request?: RefusedMessage): void {
    if (request) this.recordMessage(request, { requestId }, refusal);
    else this.#add('connection', refusal, () => ({ client: this.clients.of({ headers: {}, socket }), requestId }));
    this.#refused.add(socket);
  }

  /** Counts since the start of this process, for metrics. */
  totals(): readonly RefusalTotal[] {
    return [...this.#totals.values()];
  }

  #add(kind: RefusedKind, { reason, status, logFields }: Refusal, describe: () => Record<string, unknown>): void {
    const name = `${kind} ${reason}`;
    const count = (this.#totals.get(name)?.count ?? 0) + 1;
    this.#totals.set(name, { kind, reason, count });
    this.log.add(name, {
      level: levelOf(kind, reason, status),
      message: status < 400 ? `${kind} ignored` : `${kind} refused`,
      linesPerMinute: LINES_PER_MINUTE,
      logFields: () => ({ reason, status, ...describe(), ...logFields }),
    });
  }
}

/** A lost callback makes presence wrong and may go unnoticed elsewhere; clients of the API see their own errors. */
function levelOf(kind: RefusedKind, reason: RefusalReason, status: number): 'info' | 'warn' | 'error' {
  if (reason === 'internal-error') return 'error';
  return kind === 'callback' || status >= 500 || WARNED_STATUSES.has(status) ? 'warn' : 'info';
}
