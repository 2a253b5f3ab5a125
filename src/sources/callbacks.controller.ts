// The routes of callbacks: each source has a Fastify scope that keeps the raw body. Nearly all callbacks take the fast path instead;
// see fast-path.ts.
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refuseOtherMethods } from '../http/method-not-allowed.js';
import { ProblemError } from '../http/problem.js';
import { readRawBody } from '../http/raw-body.js';
import { Refusals } from '../http/refusals.js';
import { withRouteOptions } from '../http/route-options.js';
import type { CallbackCredentials } from './authentication/callback-authenticator.js';
import { callbackPaths } from './callback-paths.js';
import { CallbackReceiver } from './callback-receiver.js';
import { type RegisteredSource, SourceRegistry } from './registry.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Only of callbacks. */
    callbackCredentials: CallbackCredentials;
  }
}

/** A plugin without a name makes Fastify look for it among all loaded modules. */
const PLUGIN_NAME = Symbol.for('fastify.display-name');

type UnconfiguredSource = SourceRegistry['unused'][number];

@Injectable()
export class CallbacksController {
  constructor(
    private readonly registry: SourceRegistry,
    private readonly receiver: CallbackReceiver,
    private readonly refusals: Refusals,
  ) {}

  async register(http: FastifyInstance): Promise<void> {
    for (const source of this.registry.all) {
      const addRoutes = async (scope: FastifyInstance) => this.#addRoutes(scope, source);
      await http.register(Object.assign(addRoutes, { [PLUGIN_NAME]: `callbacks of ${source.name}` }));
    }
    for (const source of this.registry.unused) addUnconfiguredRoutes(http, source);
  }

  #addRoutes(scope: FastifyInstance, source: RegisteredSource): void {
    scope.removeAllContentTypeParsers();
    // Keeps the raw body, since signatures cover its bytes.
    scope.addContentTypeParser([...source.dialect.contentTypes], readRawBody);
    scope.decorateRequest('callbackCredentials');
    scope.addHook('onRequest', (request, _reply, done) => {
      const { token } = request.params as { token?: string };
      request.callbackCredentials = this.receiver.authenticate(source, token, request.raw);
      done();
    });
    const config = withRouteOptions({ access: 'callback' });
    for (const path of routesOf(source)) {
      scope.post(path, { config }, (request, response) => this.#receive(source, request, response));
      refuseOtherMethods(scope, path, ['POST'], config);
    }
  }

  async #receive(source: RegisteredSource, request: FastifyRequest, response: FastifyReply): Promise<void> {
    const { headers, callbackCredentials, raw, url: path } = request;
    const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    const callback = { headers, body, path, requestId: request.id, span: raw.span };
    const { status, body: reply, refusal } = await this.receiver.receive(source, callback, callbackCredentials);
    if (refusal) this.refusals.recordRequest(request, refusal);
    await response.code(status).send(reply);
  }
}

/** Several providers never retry after a 4xx, so callbacks would be lost that arrive before the source is configured. */
function addUnconfiguredRoutes(http: FastifyInstance, source: UnconfiguredSource): void {
  const refuse = async () => {
    const detail = `No source named ${source.name} is configured: add it to SOURCES.`;
    throw new ProblemError('source-not-configured', { detail, headers: { 'retry-after': '60' } });
  };
  const config = withRouteOptions({ access: 'callback' });
  for (const path of routesOf(source)) {
    http.post(path, { config, onRequest: refuse }, refuse);
    refuseOtherMethods(http, path, ['POST'], config);
  }
}

function routesOf(source: UnconfiguredSource): readonly string[] {
  return callbackPaths(source).flatMap(({ withoutToken, withToken }) => [withoutToken, withToken]);
}
