// Lets a backend say whether a participant can be given work, where the provider does not report it.
import { Body, Controller, HttpCode, HttpStatus, Inject, Param, Put, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiOperation, ApiProblems, ApiResponse, ApiTags } from '../../http/openapi/decorators.js';
import { invalidParameter, ProblemError } from '../../http/problem.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { parseRfc3339 } from '../../runtime/rfc3339.js';
import { Recorder } from '../write/recorder.js';
import { ApiParticipantId } from './participant-operations.js';
import { SetAvailabilityRequest, SubjectQuery } from './queries.js';
import { requestedSubject } from './requested-subject.js';

@ApiTags('participants')
@Controller('v1/participants/:participantId')
export class AvailabilityController {
  constructor(
    private readonly recorder: Recorder,
    private readonly sources: SourceNames,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Put('availability')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'setAvailability',
    summary: 'Set the availability of a participant',
    description:
      'For a provider that does not report who can be given work. It counts from now on, until it is set again, the provider ' +
      'reports another availability, or the presence ends; with `until`, until then, and then what was set or reported before ' +
      'without an end counts again.',
  })
  @ApiParticipantId()
  @ApiResponse({ status: 204, description: 'It is set.' })
  @ApiProblems('unknown-participant', 'participant-gone', 'uri-too-long', 'store-unavailable')
  async set(
    @Req() request: FastifyRequest,
    @Param('participantId') participantId: string,
    @Body() { availability, until }: SetAvailabilityRequest,
    @Query() query: SubjectQuery,
  ): Promise<void> {
    const subject = requestedSubject(this.sources, participantId, query);
    const untilMs = until === undefined ? undefined : parseRfc3339(until);
    if (untilMs !== undefined && untilMs <= this.clock.now()) throw invalidParameter('until', 'must be in the future');
    const outcome = await this.recorder.setAvailability(subject, { availability, untilMs });
    requestLog(request).info({ ...subject, availability, until, outcome }, 'an operator asked to set an availability');
    if (outcome === 'unknown') {
      throw new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' });
    }
    if (outcome === 'gone') {
      throw new ProblemError('participant-gone', { detail: 'Only a participant that is present has an availability.' });
    }
  }
}
