import { applyDecorators, Controller, HttpCode, HttpStatus, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isAhead, type LifecycleEvent } from '../../domain/lifecycle-event.js';
import type { SourceName } from '../../domain/subject.js';
import { ApiBody, ApiOperation, ApiParam, ApiProblems, ApiResponse, ApiTags } from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { Refusals } from '../../http/refusals.js';
import { Access } from '../../http/route-options.js';
import { LimitedLog } from '../../observability/limited-log.js';
import { Recorder } from '../../presence/write/recorder.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import type { CallbackCredentials } from '../authentication/callback-authenticator.js';
import type { Grant } from '../authentication/callback-token.js';
import { NewParticipantLimit } from '../authentication/new-participant-limit.js';
import { Bindings } from '../callback-urls/bindings.js';
import { CALLBACK_TOKEN_EXAMPLE } from '../callback-urls/callback-examples.js';
import { BandwidthCallback, type TranslatedEvent, translateBandwidth } from './bandwidth-callback.js';

const Callback = () =>
  applyDecorators(
    ApiBody({ type: BandwidthCallback, description: 'The webhook as Bandwidth sends it.' }),
    ApiResponse({
      status: HttpStatus.ACCEPTED,
      description: 'The event is of a kind that is not known. Presence has not changed.',
    }),
    ApiResponse({
      status: HttpStatus.NO_CONTENT,
      description: 'The event is stored and reflected in every answer from now on; or it was a duplicate, or too old.',
    }),
  );

const SOURCE = 'bandwidth' as SourceName;

/** Names of events that are logged. Others may be anything, also a secret, which is longer. */
const PLAIN_NAME = /^[\w.]{1,31}$/;

@ApiTags('callbacks')
@Controller('callbacks')
export class BandwidthController {
  constructor(
    private readonly recorder: Recorder,
    private readonly bindings: Bindings,
    private readonly newParticipants: NewParticipantLimit,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly log: LimitedLog,
    private readonly refusals: Refusals,
  ) {}

  @Post('bandwidth')
  @Access('callback')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'receiveBandwidthCallback',
    summary: 'Receive a callback from Bandwidth',
    description:
      'Takes a participant webhook of Bandwidth. Give the address of this operation as `callbackUrl` when you create a ' +
      'participant. With `CALLBACK_SECRETS` set it needs Basic credentials; without any it answers 401 and asks for them.',
  })
  @Callback()
  @ApiProblems(
    'unauthorized',
    'local-only',
    'not-found',
    'too-many-requests',
    'too-many-participants',
    'store-unavailable',
  )
  async receive(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#receive(request, reply);
  }

  @Post('bandwidth/:token')
  @Access('callback')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'receiveBandwidthCallbackWithToken',
    summary: 'Receive a callback from Bandwidth at a secret URL',
    description:
      'The same, authenticated by the last segment of the path: one of `CALLBACK_SECRETS`, or the token of a URL that ' +
      '`mintCallbackUrl` returned. Such a URL belongs to the first participant that is received through it.',
  })
  @ApiParam({
    name: 'token',
    schema: { type: 'string', minLength: 32, maxLength: 1_077, example: CALLBACK_TOKEN_EXAMPLE },
    description: 'A callback secret, or the token of a minted URL.',
  })
  @Callback()
  @ApiProblems('wrong-participant', 'not-found', 'too-many-requests', 'too-many-participants', 'store-unavailable')
  async receiveWithToken(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#receive(request, reply);
  }

  /** What was posted, and is admitted, if it tells of an event, ahead of the router; undefined: it does not. See express-lane.ts. */
  takeUsual(body: unknown, credentials: CallbackCredentials): Promise<unknown> | undefined {
    const translation = translateBandwidth(SOURCE, body, this.clock.now());
    if (translation.outcome !== 'event') return undefined;
    return this.#record(translation, credentials);
  }

  async #receive(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { body, access } = request;
    const translation = translateBandwidth(SOURCE, body, this.clock.now());
    switch (translation.outcome) {
      case 'invalid': {
        const { errors } = translation;
        const detail = errors.map(({ pointer, message }) => `${pointer.slice(2)} ${message}`.trim()).join('; ');
        throw new ProblemError('invalid-request', { detail, errors }, { reason: 'invalid-fields', facts: { errors } });
      }
      case 'unknown-event': {
        const event = PLAIN_NAME.test(translation.name) ? translation.name : '…';
        this.refusals.ofRequest(request, { reason: 'unknown-event', status: HttpStatus.ACCEPTED, facts: { event } });
        reply.code(HttpStatus.ACCEPTED).send();
        return;
      }
      case 'event':
        await this.#record(translation, access);
        reply.send();
    }
  }

  async #record({ event, tagFault }: TranslatedEvent, credentials: CallbackCredentials): Promise<unknown> {
    const { grant, secretNumber } = credentials;
    if (tagFault !== undefined) this.#logTag(tagFault);
    if (isAhead(event)) this.#logAhead(event);
    if (grant) await this.#checkParticipant(event, grant);
    const tagged = event.tag === undefined && grant ? { ...event, tag: grant.tag } : event;
    return this.recorder.record(tagged, () => this.newParticipants.admit(secretNumber));
  }

  #logAhead({ occurredAtMs, receivedAtMs }: LifecycleEvent): void {
    this.log.add('callback ahead', {
      level: 'warn',
      message: 'callback from the future: ordered as if it happened now',
      linesPerMinute: 1,
      facts: () => ({ source: 'bandwidth', aheadMs: occurredAtMs - receivedAtMs }),
    });
  }

  #logTag(fault: string): void {
    this.log.add('callback tag', {
      level: 'warn',
      message: 'the tag of a callback is not valid; its event was taken all the same',
      linesPerMinute: 1,
      facts: () => ({ source: 'bandwidth', tag: fault }),
    });
  }

  /** Throws a problem when the URL was minted for another one. */
  async #checkParticipant({ subject }: LifecycleEvent, { ref, expiresAtMs }: Grant): Promise<void> {
    if (await this.bindings.isFor(subject, ref, expiresAtMs)) return;
    const detail = 'This callback URL is bound to another participant.';
    throw new ProblemError('wrong-participant', { detail }, { facts: { ref } });
  }
}
