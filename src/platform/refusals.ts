// Every refusal of this service, of whichever layer, is counted and logged here: by reason, with the id that the caller was
// given as `instance`. A line never holds a secret, a header, a body, or a path below a callback's source.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { ClientAddresses } from './client-address.js';
import type { KnownPaths } from './known-paths.js';
import type { LimitedLog } from './limited-log.js';
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

export interface RefusalTotal {
  readonly kind: RefusedKind;
  readonly reason: RefusalReason;
  readonly count: number;
}

export class Refusals {
  readonly #totals = new Map<string, RefusalTotal>();
  readonly #refusedConnections = new WeakSet<Socket>();

  constructor(
    private readonly log: LimitedLog,
    private readonly clients: ClientAddresses,
    private readonly paths: KnownPaths,
  ) {}

  ofRequest(request: FastifyRequest, refusal: Refusal): void {
    const { raw, id: requestId, routeOptions } = request;
    const { url: route } = routeOptions;
    const isCallback = route
      ? routeOptionsOf(routeOptions.config).access === 'callback'
      : this.paths.isCallback(raw.url ?? '');
    const keyName = request.access?.keyName;
    this.ofRaw(raw, { kind: isCallback ? 'callback' : 'request', route, requestId, keyName }, refusal);
  }

  /** For what does not come by the router. `route`: a pattern; without it the path is logged, redacted. */
  ofRaw(
    raw: IncomingMessage,
    { kind, route, ...ids }: { kind: RefusedKind; route?: string; requestId: string; keyName?: string },
    refusal: Refusal,
  ): void {
    // The request in progress on a connection that was refused, or cut, breaks off: that is not another refusal.
    if (refusal.reason === 'client-disconnected' && this.#refusedConnections.has(raw.socket)) return;
    const { method, url = '' } = raw;
    this.#add(kind, refusal, () => ({
      method,
      ...(route ? { route } : { path: this.paths.redact(url) }),
      ...(kind === 'callback' && { source: this.paths.sourceOf(route ?? url) }),
      client: this.clients.of(raw),
      requestId: ids.requestId,
      key: ids.keyName,
    }));
  }

  ofConnection(socket: Socket, requestId: string, refusal: Refusal): void {
    this.#refusedConnections.add(socket);
    this.#add('connection', refusal, () => ({ client: this.clients.of({ headers: {}, socket }), requestId }));
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
