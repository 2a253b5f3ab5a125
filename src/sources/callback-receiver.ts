// What is done with a callback, whichever way it came in: authentication, the provider's signature, translation, recording.

import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { LifecycleEvent } from '../domain/lifecycle-event.js';
import { jsonBodyParser } from '../http/json-body.js';
import { ProblemError } from '../http/problem.js';
import type { Refusal } from '../http/refusals.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import { Recorder } from '../presence/write/recorder.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { CallbackAuthenticator, type CallbackCredentials } from './authentication/callback-authenticator.js';
import type { Grant } from './authentication/callback-token.js';
import { NewParticipantLimit } from './authentication/new-participant-limit.js';
import { CallbackDelays } from './callback-delays.js';
import { Bindings } from './callback-urls/bindings.js';
import type { RegisteredSource } from './registry.js';
import type { RawCallback, Translation } from './source.js';

/** Event names that may be logged. Any other text might be a secret; secrets are longer than this. */
const PLAIN_NAME = /^[\w.]{1,31}$/;

export interface CallbackResponse {
  readonly status: number;
  readonly json?: unknown;
  /** Set if the callback was not used. */
  readonly refusal?: Refusal;
}

@Injectable()
export class CallbackReceiver {
  readonly #parse: (body: Buffer) => unknown;

  constructor(
    host: HttpAdapterHost,
    private readonly authenticator: CallbackAuthenticator,
    private readonly recorder: Recorder,
    private readonly bindings: Bindings,
    private readonly newParticipants: NewParticipantLimit,
    private readonly delays: CallbackDelays,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly log: ThrottledLog,
  ) {
    this.#parse = jsonBodyParser(host.httpAdapter.getInstance());
  }

  /** `token`: the path segment after the source. Throws a problem. */
  authenticate(
    { name, source }: RegisteredSource,
    token: string | undefined,
    request: IncomingMessage,
  ): CallbackCredentials {
    // What the provider signs needs no other proof; a token in the path has to be right all the same.
    if (source.authenticate !== undefined && token === undefined) return {};
    return this.authenticator.authenticate(name, token, request, this.clock.now());
  }

  /** Resolves after all events are stored. Rejects with a problem, or with an error of presence or the store. */
  async receive(
    { name, source }: RegisteredSource,
    callback: RawCallback,
    credentials: CallbackCredentials,
  ): Promise<CallbackResponse> {
    const nowMs = this.clock.now();
    const authentication = source.authenticate?.(callback, nowMs);
    if (authentication?.outcome === 'rejected') {
      throw new ProblemError(
        'unauthorized',
        { detail: 'The signature of the callback is not valid.' },
        { reason: authentication.reason },
      );
    }
    const body = this.#parse(callback.body);
    const handshake = source.handshake?.(body);
    if (handshake) return { status: handshake.status, json: handshake.body };
    return this.#record(name, source.translate(body, nowMs), credentials);
  }

  async #record(source: string, translation: Translation, credentials: CallbackCredentials): Promise<CallbackResponse> {
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
        return { status: 202, refusal: { reason: 'unknown-event', status: 202, logFields: { event } } };
      }
      case 'ignored':
        return { status: 204 };
      case 'events': {
        const { events, warnings = [] } = translation;
        for (const warning of warnings) this.#logWarning(source, warning);
        const [first] = events;
        if (first && events.length === 1) await this.#recordEvent(first, credentials);
        else await Promise.all(events.map((event) => this.#recordEvent(event, credentials)));
        return { status: 204 };
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
