import { Controller, HttpCode, HttpStatus, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Grant } from '../../auth/callback-token.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { LOG } from '../../platform/logging.js';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '../../platform/openapi-decorators.js';
import { ProblemError } from '../../platform/problem.js';
import { Access } from '../../platform/route-options.js';
import { isAhead, type LifecycleEvent } from '../../presence/domain/lifecycle-event.js';
import { Recorder } from '../../presence/recorder.js';
import { Bindings } from '../bindings.js';
import { KnownNames, OccasionalLog } from '../occasional-log.js';
import { BandwidthCallback, type TranslatedEvent, translateBandwidth } from './bandwidth-callback.js';

/** Longer names are no names; the log is not for senders to write. */
const MAX_LOGGED_NAME = 64;

@ApiTags('callbacks')
@Controller('callbacks')
export class BandwidthController {
  readonly #unknownEvents = new KnownNames();
  readonly #ahead: OccasionalLog;
  readonly #misdirected: OccasionalLog;
  readonly #badTags: OccasionalLog;

  constructor(
    private readonly recorder: Recorder,
    private readonly bindings: Bindings,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#ahead = new OccasionalLog(log, 'a callback is from the future; it is ordered as if it happened now');
    this.#badTags = new OccasionalLog(log, 'the tag of a callback is not valid; its event was taken all the same');
    this.#misdirected = new OccasionalLog(log, 'callbacks through the URL of another participant were refused');
  }

  @Post(['bandwidth', 'bandwidth/:token'])
  @Access('callback')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Takes the participant webhooks of Bandwidth: give its address as `callbackUrl`' })
  @ApiBody({ type: BandwidthCallback })
  @ApiResponse({ status: 202, description: 'The event is of a kind that is not known; nothing changed.' })
  @ApiResponse({ status: 204, description: 'Durably applied, or a duplicate, or stale.' })
  @ApiResponse({ status: 503, description: 'The store cannot be reached in time. Send it again.' })
  async hear(@Req() { body, access }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const translation = translateBandwidth(body, this.clock.now());
    switch (translation.outcome) {
      case 'invalid': {
        const { errors } = translation;
        const detail = errors.map(({ pointer, message }) => `${pointer.slice(2)} ${message}`.trim()).join('; ');
        throw new ProblemError('invalid-request', { detail, errors });
      }
      case 'unknown-event': {
        const event = translation.name.slice(0, MAX_LOGGED_NAME);
        if (this.#unknownEvents.isNew(event)) this.log.warn({ event }, 'callbacks of a kind that is not known');
        reply.code(HttpStatus.ACCEPTED).send();
        return;
      }
      case 'event':
        await this.#record(translation, access.grant);
        reply.send();
    }
  }

  /** What was posted, and is admitted, if it tells of an event, ahead of the router; undefined: it does not. See express-lane.ts. */
  takeUsual(body: unknown, grant: Grant | undefined): Promise<unknown> | undefined {
    const translation = translateBandwidth(body, this.clock.now());
    if (translation.outcome !== 'event') return undefined;
    return this.#record(translation, grant);
  }

  #record({ event, tagFault }: TranslatedEvent, grant: Grant | undefined): Promise<unknown> {
    if (tagFault !== undefined) this.#badTags.add({ tag: tagFault }, event.heardAtMs);
    if (isAhead(event)) this.#ahead.add({ aheadMs: event.atMs - event.heardAtMs }, event.heardAtMs);
    return grant ? this.#recordOfGrant(event, grant) : this.recorder.record(event);
  }

  async #recordOfGrant(event: LifecycleEvent, grant: Grant): Promise<unknown> {
    await this.#checkParticipant(event, grant);
    return this.recorder.record(event.tag === undefined ? { ...event, tag: grant.tag } : event);
  }

  /** Throws a problem when the URL was minted for another one. */
  async #checkParticipant({ participantId, heardAtMs }: LifecycleEvent, { ref, expiresAtMs }: Grant): Promise<void> {
    if (await this.bindings.isFor(participantId, ref, expiresAtMs)) return;
    this.#misdirected.add({ ref }, heardAtMs);
    throw new ProblemError('wrong-participant', { detail: 'Another participant was heard through it first.' });
  }
}
