// Every request passes here before its body is read. What is not expressly open needs a key.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../platform/clock.js';
import { notFoundProblem, ProblemError } from '../platform/problem.js';
import { type ApiKey, findApiKey, type Scope } from './api-keys.js';
import { type CallbackAccess, CallbackDoor } from './callback-door.js';
import type { Grant } from './callback-token.js';
import { FailureLimit } from './failure-limit.js';

export interface AccessSettings {
  /** false: everybody may do everything. */
  readonly isRequired: boolean;
  readonly apiKeys: readonly ApiKey[];
  /** The first one mints. */
  readonly callbackSecrets: readonly string[];
  /** Where the provider reaches this service; undefined: nothing can be minted. */
  readonly publicUrl: string | undefined;
}

/** What a request was found to be allowed to. */
export interface Access {
  /** The name of its key, for the log and for limits. */
  readonly keyName?: string;
  /** Of the token in the path of a callback. */
  readonly grant?: Grant;
  /** Whether it may know how things are within. */
  readonly isKnown: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    access: Access;
  }
}

/** By the pattern of the route that was found: what stands in the address may be spelt in many ways. */
const OPEN_ROUTES = /^\/(health\/|docs(\/|$|-)|openapi\.json$)/;
const CALLBACK_ROUTE = /^\/callbacks\/([^/]+)/;

export class Doors {
  readonly #keys: readonly ApiKey[];
  readonly #isRestOpen: boolean;
  readonly #callbacks: CallbackDoor;
  readonly #clock: Clock;
  readonly #failures = new FailureLimit();

  constructor({ isRequired, apiKeys, callbackSecrets }: AccessSettings, clock: Clock) {
    this.#keys = apiKeys;
    this.#isRestOpen = !isRequired || apiKeys.length === 0;
    this.#callbacks = new CallbackDoor(callbackSecrets, !isRequired || callbackSecrets.length === 0);
    this.#clock = clock;
  }

  /** To be called before there are routes. */
  guard(http: FastifyInstance): void {
    http.decorateRequest('access');
    http.addHook('onRequest', (request, _, done) => {
      request.access = this.#admit(request);
      const { keyName } = request.access;
      if (keyName !== undefined) request.log = request.log.child({ key: keyName });
      done();
    });
  }

  /** For what does not come by the router. */
  ofCallback(source: string, token: string | undefined, authorization: string | undefined): CallbackAccess {
    return this.#callbacks.decide(source, token, authorization, this.#clock.now());
  }

  /** Throws a problem. */
  #admit(request: FastifyRequest): Access {
    const { url = '', config } = request.routeOptions;
    const [, source] = CALLBACK_ROUTE.exec(url) ?? [];
    if (source !== undefined) return this.#admitCallback(source, request);
    const key = findApiKey(request.headers.authorization, this.#keys);
    // Where there is nothing there is nothing to keep either.
    if (url === '' || OPEN_ROUTES.test(url) || this.#isRestOpen) {
      return { isKnown: this.#isRestOpen || key !== undefined, ...(key && { keyName: key.name }) };
    }
    if (!key) throw this.#unauthorized(request);
    const { scope = 'read' } = config as { scope?: Scope };
    if (!key.scopes.includes(scope)) throw forbidden(scope);
    return { isKnown: true, keyName: key.name };
  }

  #admitCallback(source: string, { params, headers }: FastifyRequest): Access {
    const { token } = params as { token?: string };
    const access = this.ofCallback(source, token, headers.authorization);
    switch (access.outcome) {
      case 'open':
        return { isKnown: false };
      case 'admitted':
        return { isKnown: true, ...(access.grant && { grant: access.grant }) };
      case 'challenged':
        throw new ProblemError('unauthorized', {
          detail: 'Callbacks need credentials.',
          headers: { 'www-authenticate': 'Basic realm="Rollcall callbacks", charset="UTF-8"' },
        });
      case 'refused':
        throw notFoundProblem();
    }
  }

  #unauthorized({ headers, ip }: FastifyRequest): ProblemError {
    const retryAfterS = this.#failures.fail(ip, this.#clock.now());
    if (retryAfterS > 0) {
      const detail = 'Too many requests without a valid key came from this address.';
      return new ProblemError('too-many-requests', { detail, headers: { 'retry-after': String(retryAfterS) } });
    }
    const given = headers.authorization === undefined ? '' : ', error="invalid_token"';
    return new ProblemError('unauthorized', {
      detail: 'This address needs a key: Authorization: Bearer <key>.',
      headers: { 'www-authenticate': `Bearer realm="Rollcall"${given}` },
    });
  }
}

function forbidden(scope: Scope): ProblemError {
  return new ProblemError('forbidden', {
    detail: `The key has not the scope ${scope}.`,
    headers: { 'www-authenticate': `Bearer realm="Rollcall", error="insufficient_scope", scope="${scope}"` },
  });
}
