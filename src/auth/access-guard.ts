// Authenticates and authorizes every request before its body is read. Routes declare their access; see route-options.ts.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ClientAddresses } from '../http/client-address.js';
import { notFoundProblem, ProblemError, type ProblemNote } from '../http/problem.js';
import { type RouteAccess, routeOptionsOf } from '../http/route-options.js';
import type { Clock } from '../runtime/clock.js';
import { type ApiKey, findApiKey, SCOPES, type Scope } from './api-keys.js';
import { KeyRateLimit } from './key-rate-limit.js';
import { localOnlyProblem, nonLocalReason } from './local-requests.js';
import { MinuteCounter } from './minute-counter.js';

export interface AccessSettings {
  /** false: everyone has full access. */
  readonly isRequired: boolean;
  readonly apiKeys: readonly ApiKey[];
  /** The first one signs minted callback URLs. */
  readonly callbackSecrets: readonly string[];
  /** The base URL at which the provider reaches this service; undefined: no callback URLs can be minted. */
  readonly publicUrl: string | undefined;
  /** For each callback secret; 0: no limit. */
  readonly newParticipantsPerMinute: number;
}

/** Failed authentications per client and minute; further ones are answered 429. */
const MAX_FAILURES = 30;

interface AccessGuardParts {
  /** Requests per minute for each key. */
  readonly perMinute: number;
  readonly clients: ClientAddresses;
  readonly clock: Clock;
}

/** The result of authentication. */
export interface Access {
  /** The name of the API key, for the log and for limits. */
  readonly keyName?: string;
  /** What the caller may do. */
  readonly scopes: readonly Scope[];
  /** Whether responses may contain internal details. */
  readonly canSeeDetails: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    access: Access;
  }
}

export class AccessGuard {
  readonly #keys: readonly ApiKey[];
  readonly #isRestOpen: boolean;
  /** Why a request without a key is not accepted as local. With AUTH=off every request is accepted. */
  readonly #nonLocalReason: typeof nonLocalReason;
  readonly #clock: Clock;
  readonly #limit: KeyRateLimit;
  /**
   * Failed authentications by client. They never block a valid key, since many clients may share the address of a proxy. A
   * client with more prefixes than are counted at once evades the limit, but gains nothing: keys cannot be guessed.
   */
  readonly #failures = new MinuteCounter();
  readonly #clients: ClientAddresses;

  constructor(
    { isRequired, apiKeys }: Pick<AccessSettings, 'isRequired' | 'apiKeys'>,
    { perMinute, clients, clock }: AccessGuardParts,
  ) {
    this.#keys = apiKeys;
    this.#isRestOpen = !isRequired || apiKeys.length === 0;
    this.#nonLocalReason = isRequired ? nonLocalReason : () => undefined;
    this.#limit = new KeyRateLimit(perMinute);
    this.#clients = clients;
    this.#clock = clock;
  }

  /** Must be called before any route is added: adding a route without declared access throws. */
  register(http: FastifyInstance): void {
    http.addHook('onRoute', ({ method, url, config }) => {
      if (!routeOptionsOf(config).access) throw new Error(`${String(method)} ${url} does not declare its access`);
    });
    http.decorateRequest('access');
    http.addHook('onRequest', (request, reply, done) => {
      // Callbacks are authenticated in their own Fastify scope.
      const { probe, access = 'read' } = routeOptionsOf(request.routeOptions.config);
      if (access === 'callback') return done();
      request.access = this.#admit(request, access);
      const { keyName } = request.access;
      if (keyName !== undefined && !probe) {
        const { isExceeded, headers, resetS } = this.#limit.count(request.raw, keyName, this.#clock.now());
        reply.headers(headers);
        if (isExceeded) throw tooManyRequests('This key has reached its request limit per minute.', resetS);
      }
      done();
    });
  }

  /** Throws a problem. */
  #admit(request: FastifyRequest, declared: Exclude<RouteAccess, 'callback'>): Access {
    // Unknown routes answer 404 without a key. The preflight route of @fastify/cors declares no access and has no URL.
    if (request.is404) throw notFoundProblem({ reason: 'unknown-path' });
    const access = request.routeOptions.url === undefined ? 'public' : declared;
    const key = findApiKey(request.headers.authorization, this.#keys);
    if (access === 'public' || this.#isRestOpen) {
      const reason = this.#isRestOpen ? this.#nonLocalReason(request.headers) : undefined;
      if (reason && access !== 'public') throw localOnlyProblem('API_KEYS', reason);
      const canSeeDetails = (this.#isRestOpen && !reason) || key !== undefined;
      const scopes = this.#isRestOpen && !reason ? SCOPES : (key?.scopes ?? []);
      return { canSeeDetails, scopes, ...(key && { keyName: key.name }) };
    }
    if (!key) throw this.#unauthorized(request);
    if (!key.scopes.includes(access)) throw forbidden(access, key.name);
    return { canSeeDetails: true, scopes: key.scopes, keyName: key.name };
  }

  #unauthorized({ headers, raw }: FastifyRequest): ProblemError {
    const { count, resetS } = this.#failures.add(this.#clients.of(raw), this.#clock.now());
    if (count > MAX_FAILURES) {
      return tooManyRequests('Too many requests without a valid key came from this address.', resetS, {
        reason: 'too-many-failures',
      });
    }
    const hasCredentials = headers.authorization !== undefined;
    const challenge = `Bearer realm="Rollcall"${hasCredentials ? ', error="invalid_token"' : ''}`;
    return new ProblemError(
      'unauthorized',
      {
        detail: 'Send an API key: Authorization: Bearer <key>.',
        headers: { 'www-authenticate': challenge },
      },
      { reason: hasCredentials ? 'wrong-key' : 'no-credentials' },
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
    { logFields: { key: keyName } },
  );
}
