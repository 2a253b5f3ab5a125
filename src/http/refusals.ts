// Every refusal of this service, of whichever layer, is counted and logged here: by reason, with the id that the caller was
// given as `instance`. A line never holds a secret, a header, a body, or a path below a callback's source.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { LimitedLog } from '../observability/limited-log.js';
import type { ClientAddresses } from './client-address.js';
import type { KnownPaths } from './known-paths.js';
import type { RefusalReason } from './problem.js';
import { routeOptionsOf } from './route-options.js';

/** Refusals of one reason that have a line of their own, within a minute. */
const LINES_PER_MINUTE = 10;

/** Reasons that say a caller is not let in, or that there are too many of them. */
const WARNED_STATUSES: ReadonlySet<number> = new Set([401, 403, 429]);

/** `connection`: there was no request yet, or none that can be read as one. */
type RefusedKind = 'callback' | 'request' | 'connection';

/** A ProblemError is one. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly status: number;
  /** Of the refusal alone, for the log. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What is read of a request. Of a malformed one no more is known. */
export type RefusedMessage = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'socket'>;

interface RefusedRequest {
  readonly requestId: string;
  /** Without it the method and the path decide. */
  readonly kind?: RefusedKind | undefined;
  /** A pattern; without it the path is logged, redacted. */
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
    private readonly log: LimitedLog,
    private readonly clients: ClientAddresses,
    private readonly paths: KnownPaths,
  ) {}

  ofRequest(request: FastifyRequest, refusal: Refusal): void {
    const { raw, id: requestId, routeOptions } = request;
    const { url: route } = routeOptions;
    const keyName = request.access?.keyName;
    const isCallback = route ? routeOptionsOf(routeOptions.config).access === 'callback' : undefined;
    const kind = isCallback === undefined ? undefined : isCallback ? 'callback' : 'request';
    this.ofRaw(raw, { kind, route, requestId, keyName }, refusal);
  }

  /** For what does not come by the router. */
  ofRaw(raw: RefusedMessage, { route, ...ids }: RefusedRequest, refusal: Refusal): void {
    // One refusal for each request: a refused one may break off, and one that broke off may still be routed. So may a request
    // break off because its connection was refused.
    if (this.#refused.has(raw)) return;
    if (refusal.reason === 'client-disconnected' && this.#refused.has(raw.socket)) return;
    this.#refused.add(raw);
    const { method, url = '' } = raw;
    const kind = ids.kind ?? (this.paths.isCallbackRequest(method, url) ? 'callback' : 'request');
    this.#add(kind, refusal, () => ({
      method,
      ...(route ? { route } : { path: this.paths.redact(url) }),
      ...(kind === 'callback' && { source: this.paths.sourceOf(route ?? url) }),
      client: this.clients.of(raw),
      requestId: ids.requestId,
      key: ids.keyName,
    }));
  }

  /** `request`: the one that was being received on this connection, as far as it could be read. */
  ofConnection(socket: Socket, requestId: string, refusal: Refusal, request?: RefusedMessage): void {
    if (request) this.ofRaw(request, { requestId }, refusal);
    else this.#add('connection', refusal, () => ({ client: this.clients.of({ headers: {}, socket }), requestId }));
    this.#refused.add(socket);
  }

  /** Since the start of this process, for metrics. */
  totals(): readonly RefusalTotal[] {
    return [...this.#totals.values()];
  }

  #add(kind: RefusedKind, { reason, status, facts }: Refusal, describe: () => Record<string, unknown>): void {
    const name = `${kind} ${reason}`;
    const count = (this.#totals.get(name)?.count ?? 0) + 1;
    this.#totals.set(name, { kind, reason, count });
    this.log.add(name, {
      level: levelOf(kind, reason, status),
      message: status < 400 ? `${kind} ignored` : `${kind} refused`,
      linesPerMinute: LINES_PER_MINUTE,
      facts: () => ({ reason, status, ...describe(), ...facts }),
    });
  }
}

/** Lost callbacks make presence wrong, and nobody else may notice; the typo of an API user is his own to notice. */
function levelOf(kind: RefusedKind, reason: RefusalReason, status: number): 'info' | 'warn' | 'error' {
  if (reason === 'internal-error') return 'error';
  return kind === 'callback' || status >= 500 || WARNED_STATUSES.has(status) ? 'warn' : 'info';
}
