// What is done with a callback, whichever way it came in: authentication, the provider's signature, translation, recording.

import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { AccessSettings } from '../auth/access-guard.js';
import { isForm, parseForm } from '../http/form-body.js';
import { jsonBodyParser } from '../http/json-body.js';
import { ProblemError, providerUnavailableProblem } from '../http/problem.js';
import { internalProblem } from '../http/problem-mapper.js';
import type { Refusal } from '../http/refusals.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import type { RequestSpan } from '../observability/tracing/tracer.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { CallbackAuthenticator, type CallbackCredentials } from './authentication/callback-authenticator.js';
import { CallbackMetrics, type CallbackOutcome } from './callback-metrics.js';
import { ACCESS } from './callback-urls/callback-urls.controller.js';
import { ClockWarnings } from './clock-warnings.js';
import { EventIntake, type Intake } from './event-intake.js';
import { Forwarder } from './forwarding/forwarder.js';
import { type ReceivedCallback, RefusedCallbacks } from './refused-callbacks.js';
import type { RegisteredSource } from './registry.js';
import type { Authentication, Dialect, ProviderEvent, RawCallback, Reply, Source, Translation } from './source.js';

/** Event names that are safe to log. Longer text could be a secret, which has at least 32 characters. */
const PLAIN_NAME = /^[\w.-]{1,31}$/;

interface IncomingCallback extends Omit<RawCallback, 'url'> {
  /** The path and the query string. */
  readonly path: string;
  readonly requestId: string;
  readonly span?: RequestSpan | undefined;
}

export interface CallbackResponse extends Reply {
  readonly outcome: CallbackOutcome;
  /** Set if the kind of event is not known: the callback is logged and counted as ignored. */
  readonly refusal?: Refusal;
}

@Injectable()
export class CallbackReceiver {
  readonly #parseJson: (body: Buffer) => unknown;

  constructor(
    host: HttpAdapterHost,
    private readonly authenticator: CallbackAuthenticator,
    private readonly intake: EventIntake,
    private readonly forwarder: Forwarder,
    private readonly refused: RefusedCallbacks,
    private readonly metrics: CallbackMetrics,
    private readonly clockWarnings: ClockWarnings,
    @Inject(ACCESS) private readonly access: Pick<AccessSettings, 'publicUrl'>,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly log: ThrottledLog,
  ) {
    this.#parseJson = jsonBodyParser(host.httpAdapter.getInstance());
  }

  /** Throws a problem. */
  parse(body: Buffer, contentType: string): unknown {
    return isForm(contentType) ? parseForm(body) : this.#parseJson(body);
  }

  /** `token`: the path segment after the source. Throws ProblemError. */
  authenticate(
    { name, needsSecret }: RegisteredSource,
    token: string | undefined,
    request: IncomingMessage,
  ): CallbackCredentials {
    // Usually, the provider's signature is enough. If the path has a token anyway, it must be valid.
    if (!needsSecret && token === undefined) return {};
    const startedMs = performance.now();
    try {
      return this.authenticator.authenticate(name, token, request, this.clock.now());
    } catch (error) {
      this.metrics.refused(name, error, startedMs);
      throw error;
    }
  }

  /**
   * Resolves when each event is durable, or known to be a duplicate or outdated. Rejects with ProblemError, StoreUnavailableError,
   * FeedQuotaError or ParticipantLimitError. A callback that is refused or not understood is kept in the quarantine.
   */
  async receive(
    source: RegisteredSource,
    callback: IncomingCallback,
    credentials: CallbackCredentials,
  ): Promise<CallbackResponse> {
    const startedMs = performance.now();
    try {
      const response = await this.#receive(source, callback, credentials);
      this.metrics.answered(source.name, response.outcome, startedMs);
      return response;
    } catch (error) {
      this.metrics.refused(source.name, error, startedMs);
      throw error;
    }
  }

  async #receive(
    { name, source, dialect }: RegisteredSource,
    callback: IncomingCallback,
    credentials: CallbackCredentials,
  ): Promise<CallbackResponse> {
    const receivedAtMs = this.clock.now();
    const { body, headers, requestId, span, path } = callback;
    if (source.authenticate) {
      const { publicUrl } = this.access;
      const url = publicUrl === undefined ? undefined : publicUrl + path;
      verifySignature(await source.authenticate({ headers, body, url }, receivedAtMs));
    }
    this.metrics.received(name, receivedAtMs);
    const contentType = headers['content-type'] ?? '';
    const received = { source: name, contentType, body, receivedAtMs, requestId, grant: credentials.grant, span };
    try {
      const { refusal, ...response } = await this.#process(source, dialect, received, credentials);
      if (!refusal) return response;
      const logFields = { ...refusal.logFields, ...this.refused.keep(received, refusal.reason) };
      return { ...response, refusal: { ...refusal, logFields } };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      throw error.withLogFields(this.refused.keep(received, error.reason));
    }
  }

  async #process(
    source: Source,
    dialect: Dialect,
    received: ReceivedCallback,
    credentials: CallbackCredentials,
  ): Promise<CallbackResponse> {
    const body = this.parse(received.body, received.contentType);
    const reply = source.handshake && (await handshakeOf(source, body));
    if (reply) return { outcome: 'handshake', ...reply };
    const understood = understand(source, dialect, { body, receivedAtMs: received.receivedAtMs });
    const { acknowledgement } = dialect;
    if (understood.outcome !== 'events') return { ...responseTo(understood), ...acknowledgement };
    const { events, warnings = [] } = understood;
    const outcomes = await Promise.all(events.map((event) => this.#take(event, received, credentials)));
    for (const warning of warnings) this.#logWarning(received.source, warning);
    await this.forwarder.add(received);
    const isSpooled = outcomes.includes('spooled');
    const status = isSpooled || outcomes.includes('pending') ? 202 : 204;
    return { outcome: isSpooled ? 'spooled' : 'accepted', status, ...acknowledgement };
  }

  async #take(event: ProviderEvent, received: ReceivedCallback, credentials: CallbackCredentials): Promise<Intake> {
    this.metrics.event(received.source, event);
    this.clockWarnings.check(received.source, event);
    const outcome = await this.intake.take(event, received, credentials);
    this.metrics.settled(received.source, event, outcome);
    return outcome;
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

function verifySignature(authentication: Authentication): void {
  if (authentication.outcome === 'authentic') return;
  if (authentication.outcome === 'unavailable') throw providerUnavailableProblem(authentication.error);
  const { reason, detail } = authentication;
  throw new ProblemError(
    'unauthorized',
    { detail: detail ?? 'The callback is not authentic.' },
    { reason, logFields: { ...(detail !== undefined && { detail }) } },
  );
}

/** Any error that is not a problem is a bug in the source or an unexpected input; the callback is quarantined. */
async function handshakeOf(source: Source, body: unknown): Promise<Reply | undefined> {
  try {
    return await source.handshake?.(body);
  } catch (error) {
    throw error instanceof ProblemError ? error : internalProblem(error);
  }
}

function understand(
  source: Source,
  { endsRooms, endsDevices }: Dialect,
  { body, receivedAtMs }: { readonly body: unknown; readonly receivedAtMs: number },
): Translation {
  try {
    const translation = source.translate(body, receivedAtMs);
    if (translation.outcome !== 'events') return translation;
    const undeclared = translation.events.find(
      ({ subject, kind }) => subject === undefined && !(kind === 'room-ended' ? endsRooms : endsDevices),
    );
    if (undeclared) throw new Error(`the dialect must declare that it has events of the kind ${undeclared.kind}`);
    return translation;
  } catch (error) {
    throw internalProblem(error);
  }
}

/** Throws a problem if the callback is not valid. */
function responseTo(translation: Exclude<Translation, { outcome: 'events' }>): CallbackResponse {
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
      return {
        outcome: 'unknown',
        status: 202,
        refusal: { reason: 'unknown-event', status: 202, logFields: { event } },
      };
    }
    case 'ignored':
      return { outcome: 'ignored', status: 204 };
  }
}
