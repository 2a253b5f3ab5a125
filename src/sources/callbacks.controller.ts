// Receives the callbacks of all sources: each source has a lean Fastify scope that keeps the raw body.
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { LifecycleEvent } from '../domain/lifecycle-event.js';
import { jsonBodyParser } from '../http/json-body.js';
import { refuseOtherMethods } from '../http/method-not-allowed.js';
import { ProblemError } from '../http/problem.js';
import { readRawBody } from '../http/raw-body.js';
import { Refusals } from '../http/refusals.js';
import { withRouteOptions } from '../http/route-options.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import { Recorder } from '../presence/write/recorder.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { CallbackAuthenticator, type CallbackCredentials } from './authentication/callback-authenticator.js';
import type { Grant } from './authentication/callback-token.js';
import { NewParticipantLimit } from './authentication/new-participant-limit.js';
import { CallbackDelays } from './callback-delays.js';
import { Bindings } from './callback-urls/bindings.js';
import { type RegisteredSource, SourceRegistry } from './registry.js';
import type { Translation } from './source.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Only of callbacks. */
    callbackCredentials: CallbackCredentials;
  }
}

/** Event names that may be logged. Any other text might be a secret; secrets are longer than this. */
const PLAIN_NAME = /^[\w.]{1,31}$/;

@Injectable()
export class CallbacksController {
  constructor(
    private readonly registry: SourceRegistry,
    private readonly authenticator: CallbackAuthenticator,
    private readonly recorder: Recorder,
    private readonly bindings: Bindings,
    private readonly newParticipants: NewParticipantLimit,
    private readonly delays: CallbackDelays,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly log: ThrottledLog,
    private readonly refusals: Refusals,
  ) {}

  async register(http: FastifyInstance): Promise<void> {
    for (const source of this.registry.all) {
      await http.register(async (scope) => this.#addRoutes(scope, source));
    }
  }

  #addRoutes(scope: FastifyInstance, registered: RegisteredSource): void {
    const { name, dialect, source } = registered;
    const parse = jsonBodyParser(scope);
    scope.removeAllContentTypeParsers();
    // Keeps the raw body, since signatures cover its bytes.
    scope.addContentTypeParser([...dialect.contentTypes], readRawBody);
    scope.decorateRequest('callbackCredentials');
    scope.addHook('onRequest', (request, _reply, done) => {
      const { token } = request.params as { token?: string };
      // What the provider signs needs no other proof; a token in the path has to be right all the same.
      const isSigned = source.authenticate !== undefined && token === undefined;
      request.callbackCredentials = isSigned
        ? {}
        : this.authenticator.authenticate(name, token, request.raw, this.clock.now());
      done();
    });
    const config = withRouteOptions({ access: 'callback' });
    for (const url of [`/callbacks/${name}`, `/callbacks/${name}/:token`]) {
      scope.post(url, { config }, (request, reply) => this.#receive(registered, parse, request, reply));
      refuseOtherMethods(scope, url, ['POST'], config);
    }
  }

  async #receive(
    { name, source }: RegisteredSource,
    parse: (body: Buffer) => unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const nowMs = this.clock.now();
    const body = request.body as Buffer | undefined;
    const raw = { headers: request.headers, body: body ?? Buffer.alloc(0) };
    const authentication = source.authenticate?.(raw, nowMs);
    if (authentication?.outcome === 'rejected') {
      throw new ProblemError(
        'unauthorized',
        { detail: 'The signature of the callback is not valid.' },
        { reason: authentication.reason },
      );
    }
    const value = parse(raw.body);
    const handshake = source.handshake?.(value);
    if (handshake) return void reply.code(handshake.status).send(handshake.body);
    await this.#record(name, source.translate(value, nowMs), request, reply);
  }

  /** Answers after all events are stored. */
  async #record(source: string, translation: Translation, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    switch (translation.outcome) {
      case 'invalid': {
        const { errors } = translation;
        const detail = errors.map(({ pointer, message }) => `${pointer.slice(2)} ${message}`.trim()).join('; ');
        throw new ProblemError(
          'invalid-request',
          { detail, errors },
          { reason: 'invalid-fields', logFields: { errors } },
        );
      }
      case 'unknown': {
        const event = PLAIN_NAME.test(translation.name) ? translation.name : '…';
        this.refusals.recordRequest(request, { reason: 'unknown-event', status: 202, logFields: { event } });
        return void reply.code(202).send();
      }
      case 'ignored':
        return void reply.code(204).send();
      case 'events': {
        const { events, warnings = [] } = translation;
        for (const warning of warnings) this.#logWarning(source, warning);
        const { callbackCredentials } = request;
        const [first] = events;
        if (first && events.length === 1) await this.#recordEvent(first, callbackCredentials);
        else await Promise.all(events.map((event) => this.#recordEvent(event, callbackCredentials)));
        reply.code(204).send();
      }
    }
  }

  async #recordEvent(event: LifecycleEvent, { grant, secretNumber }: CallbackCredentials): Promise<unknown> {
    this.delays.record(event);
    if (grant) await this.#checkSubject(event, grant);
    const tagged = event.tag === undefined && grant?.tag !== undefined ? { ...event, tag: grant.tag } : event;
    return this.recorder.record(tagged, () => this.newParticipants.admit(secretNumber));
  }

  /** Throws a problem when the URL was minted for another participant. */
  async #checkSubject({ subject }: LifecycleEvent, { ref, expiresAtMs }: Grant): Promise<void> {
    if (await this.bindings.bind(subject, ref, expiresAtMs)) return;
    const detail = 'This callback URL is bound to another participant.';
    throw new ProblemError('wrong-participant', { detail }, { logFields: { ref } });
  }

  #logWarning(source: string, warning: string): void {
    this.log.add('callback warning', {
      level: 'warn',
      message: 'part of a callback is not valid; its event was recorded',
      linesPerMinute: 1,
      logFields: () => ({ source, warning }),
    });
  }
}
