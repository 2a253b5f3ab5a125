// What is done with a callback, whichever way it came in: authentication, the provider's signature, translation, recording.

import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { LifecycleEvent } from '../domain/lifecycle-event.js';
import { jsonBodyParser } from '../http/json-body.js';
import { ProblemError } from '../http/problem.js';
import type { Refusal } from '../http/refusals.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { CallbackAuthenticator, type CallbackCredentials } from './authentication/callback-authenticator.js';
import { CallbackDelays } from './callback-delays.js';
import { EventIntake } from './event-intake.js';
import type { RegisteredSource } from './registry.js';
import type { RawCallback, Translation } from './source.js';

/** Event names that are safe to log. Longer text could be a secret, which has at least 32 characters. */
const PLAIN_NAME = /^[\w.]{1,31}$/;

export interface CallbackResponse {
  readonly status: number;
  readonly json?: unknown;
  /** Set if the kind of event is not known: the callback is logged and counted as ignored. */
  readonly refusal?: Refusal;
}

@Injectable()
export class CallbackReceiver {
  readonly #parse: (body: Buffer) => unknown;

  constructor(
    host: HttpAdapterHost,
    private readonly authenticator: CallbackAuthenticator,
    private readonly intake: EventIntake,
    private readonly delays: CallbackDelays,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly log: ThrottledLog,
  ) {
    this.#parse = jsonBodyParser(host.httpAdapter.getInstance());
  }

  /** `token`: the path segment after the source. Throws ProblemError. */
  authenticate(
    { name, source }: RegisteredSource,
    token: string | undefined,
    request: IncomingMessage,
  ): CallbackCredentials {
    // A source that verifies the provider's signature needs no other credentials. If the path has a token anyway, it must be valid.
    if (source.authenticate !== undefined && token === undefined) return {};
    return this.authenticator.authenticate(name, token, request, this.clock.now());
  }

  /**
   * Resolves when each event is durable, or known to be a duplicate or outdated. Rejects with ProblemError, StoreUnavailableError,
   * FeedQuotaError or ParticipantLimitError.
   */
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
        const taken = await Promise.all(events.map((event) => this.#take(event, credentials)));
        for (const warning of warnings) this.#logWarning(source, warning);
        return { status: taken.includes('spooled') ? 202 : 204 };
      }
    }
  }

  #take(event: LifecycleEvent, credentials: CallbackCredentials): Promise<'recorded' | 'spooled'> {
    this.delays.record(event);
    const { grant } = credentials;
    const tagged = event.tag === undefined && grant?.tag !== undefined ? { ...event, tag: grant.tag } : event;
    return this.intake.take(tagged, credentials);
  }

  #logWarning(source: string, warning: string): void {
    this.log.add('callback warning', {
      level: 'warn',
      message: 'an optional member of a callback is not valid and was dropped or changed; the event was recorded',
      linesPerMinute: 1,
      logFields: () => ({ source, warning }),
    });
  }
}
