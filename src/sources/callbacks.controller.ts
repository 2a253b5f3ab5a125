// The routes of callbacks: each source has a Fastify scope that keeps the raw body. Nearly all callbacks take the fast path instead;
// see fast-path.ts.
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refuseOtherMethods } from '../http/method-not-allowed.js';
import { readRawBody } from '../http/raw-body.js';
import { Refusals } from '../http/refusals.js';
import { withRouteOptions } from '../http/route-options.js';
import type { CallbackCredentials } from './authentication/callback-authenticator.js';
import { CallbackReceiver } from './callback-receiver.js';
import { type RegisteredSource, SourceRegistry } from './registry.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Only of callbacks. */
    callbackCredentials: CallbackCredentials;
  }
}

@Injectable()
export class CallbacksController {
  constructor(
    private readonly registry: SourceRegistry,
    private readonly receiver: CallbackReceiver,
    private readonly refusals: Refusals,
  ) {}

  async register(http: FastifyInstance): Promise<void> {
    for (const source of this.registry.all) {
      await http.register(async (scope) => this.#addRoutes(scope, source));
    }
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
    const [url, urlWithToken] = [`/callbacks/${source.name}`, `/callbacks/${source.name}/:token`];
    for (const path of [url, urlWithToken]) {
      scope.post(path, { config }, (request, reply) => this.#receive(source, request, reply));
      refuseOtherMethods(scope, path, ['POST'], config);
    }
  }

  async #receive(source: RegisteredSource, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { headers, callbackCredentials } = request;
    const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    const callback = { headers, body, requestId: request.id };
    const { status, json, refusal } = await this.receiver.receive(source, callback, callbackCredentials);
    if (refusal) this.refusals.recordRequest(request, refusal);
    await reply.code(status).send(json);
  }
}
