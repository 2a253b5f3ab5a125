// Every request passes here before its body is read. A route says itself who may use it: see route-options.ts.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ClientAddresses } from '../http/client-address.js';
import { notFoundProblem, ProblemError, type ProblemNote } from '../http/problem.js';
import { type RouteAccess, routeOptionsOf } from '../http/route-options.js';
import type { Clock } from '../runtime/clock.js';
import { type ApiKey, findApiKey, type Scope } from './api-keys.js';
import { KeyLimit } from './key-limit.js';
import { foreignProblem, foreignReason } from './local-requests.js';
import { MinuteCounts } from './minute-counts.js';

export interface AccessSettings {
  /** false: everybody may do everything. */
  readonly isRequired: boolean;
  readonly apiKeys: readonly ApiKey[];
  /** The first one mints. */
  readonly callbackSecrets: readonly string[];
  /** Where the provider reaches this service; undefined: nothing can be minted. */
  readonly publicUrl: string | undefined;
  /** Of each callback secret; 0: any number. */
  readonly newParticipantsPerMinute: number;
}

/** Failed authentications of one client within a minute; more are answered 429. */
const MOST_FAILURES = 30;

interface AccessGuardParts {
  /** Requests that each key may make. */
  readonly perMinute: number;
  readonly clients: ClientAddresses;
  readonly clock: Clock;
}

/** What a request was found to be allowed to. */
export interface Access {
  /** The name of its key, for the log and for limits. */
  readonly keyName?: string;
  /** Whether it may know how things are within. */
  readonly isKnown: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    access: Access;
  }
}

export class AccessGuard {
  readonly #keys: readonly ApiKey[];
  readonly #isRestOpen: boolean;
  /** Why what is open is not open to this request. With AUTH=off it is open to everybody. */
  readonly #foreignReason: typeof foreignReason;
  readonly #clock: Clock;
  readonly #limit: KeyLimit;
  /**
   * By client. They never keep out a valid key: the address may be that of a proxy which many share. Who can use more
   * prefixes than are counted at once is not limited by them, and gains nothing: a key is not found by guessing.
   */
  readonly #failures = new MinuteCounts();
  readonly #clients: ClientAddresses;

  constructor(
    { isRequired, apiKeys }: Pick<AccessSettings, 'isRequired' | 'apiKeys'>,
    { perMinute, clients, clock }: AccessGuardParts,
  ) {
    this.#keys = apiKeys;
    this.#isRestOpen = !isRequired || apiKeys.length === 0;
    this.#foreignReason = isRequired ? foreignReason : () => undefined;
    this.#limit = new KeyLimit(perMinute);
    this.#clients = clients;
    this.#clock = clock;
  }

  /** To be called before there are routes. A route that does not declare its access fails here. */
  register(http: FastifyInstance): void {
    http.addHook('onRoute', ({ method, url, config }) => {
      if (!routeOptionsOf(config).access) throw new Error(`${String(method)} ${url} does not declare its access`);
    });
    http.decorateRequest('access');
    http.addHook('onRequest', (request, reply, done) => {
      // Callbacks have credentials of their own, which their scope checks.
      const { probe, access = 'read' } = routeOptionsOf(request.routeOptions.config);
      if (access === 'callback') return done();
      request.access = this.#admit(request, access);
      const { keyName } = request.access;
      if (keyName !== undefined) request.log = request.log.child({ key: keyName });
      if (keyName !== undefined && !probe) {
        const { isSpent, headers, resetS } = this.#limit.count(request.raw, keyName, this.#clock.now());
        reply.headers(headers);
        if (isSpent) throw tooManyRequests('This key has reached its request limit per minute.', resetS);
      }
      done();
    });
  }

  /** Throws a problem. */
  #admit(request: FastifyRequest, declared: Exclude<RouteAccess, 'callback'>): Access {
    // Unknown routes answer 404 without asking for a key, or reading the body. CORS has a route of its own, which declares nothing.
    if (request.is404) throw notFoundProblem({ reason: 'unknown-path' });
    const access = request.routeOptions.url === undefined ? 'public' : declared;
    const key = findApiKey(request.headers.authorization, this.#keys);
    if (access === 'public' || this.#isRestOpen) {
      const reason = this.#isRestOpen ? this.#foreignReason(request.headers) : undefined;
      if (reason && access !== 'public') throw foreignProblem('API_KEYS', reason);
      const isKnown = (this.#isRestOpen && !reason) || key !== undefined;
      return { isKnown, ...(key && { keyName: key.name }) };
    }
    if (!key) throw this.#unauthorized(request);
    if (!key.scopes.includes(access)) throw forbidden(access, key.name);
    return { isKnown: true, keyName: key.name };
  }

  #unauthorized({ headers, raw }: FastifyRequest): ProblemError {
    const { count, resetS } = this.#failures.add(this.#clients.of(raw), this.#clock.now());
    if (count > MOST_FAILURES) {
      return tooManyRequests('Too many requests without a valid key came from this address.', resetS, {
        reason: 'too-many-failures',
      });
    }
    const isGiven = headers.authorization !== undefined;
    const challenge = `Bearer realm="Rollcall"${isGiven ? ', error="invalid_token"' : ''}`;
    return new ProblemError(
      'unauthorized',
      {
        detail: 'Send an API key: Authorization: Bearer <key>.',
        headers: { 'www-authenticate': challenge },
      },
      { reason: isGiven ? 'wrong-key' : 'no-credentials' },
    );
  }
}

function tooManyRequests(detail: string, retryAfterS: number, note?: ProblemNote): ProblemError {
  return new ProblemError('too-many-requests', { detail, headers: { 'retry-after': String(retryAfterS) } }, note);
}

function forbidden(scope: Scope, keyName: string): ProblemError {
  const challenge = `Bearer realm="Rollcall", error="insufficient_scope", scope="${scope}"`;
  return new ProblemError(
    'forbidden',
    { detail: `The API key lacks the scope ${scope}.`, headers: { 'www-authenticate': challenge } },
    { facts: { key: keyName } },
  );
}
