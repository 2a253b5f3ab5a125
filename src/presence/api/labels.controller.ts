// Lets a backend say which groups a participant belongs to, also before any event of it is received.
import { Body, Controller, HttpCode, HttpStatus, Param, Put, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiOperation, ApiProblems, ApiResponse, ApiTags } from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { Recorder } from '../write/recorder.js';
import { ApiParticipantId } from './participant-operations.js';
import { SetLabelsRequest, SubjectQuery } from './queries.js';
import { requestedSubject } from './requested-subject.js';

@ApiTags('participants')
@Controller('v1/participants/:participantId')
export class LabelsController {
  constructor(
    private readonly recorder: Recorder,
    private readonly sources: SourceNames,
  ) {}

  @Put('labels')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'setLabels',
    summary: 'Set the labels of a participant',
    description:
      'Replaces the labels that were set before; an empty object removes them. Labels of the provider, or of the callback URL, ' +
      'that have other names remain. A participant of whom no event was received is `expected` from then on, until its first ' +
      'event, or until its labels are removed.',
  })
  @ApiParticipantId()
  @ApiResponse({ status: 204, description: 'They are set.' })
  @ApiProblems('unknown-participant', 'uri-too-long', 'store-unavailable', 'too-many-participants')
  async set(
    @Req() request: FastifyRequest,
    @Param('participantId') participantId: string,
    @Body() { labels }: SetLabelsRequest,
    @Query() query: SubjectQuery,
  ): Promise<void> {
    const subject = requestedSubject(this.sources, participantId, query);
    const outcome = await this.recorder.setLabels(subject, labels);
    requestLog(request).info({ ...subject, labels, outcome }, 'an operator asked to set labels');
    if (outcome === 'unknown') {
      throw new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' });
    }
  }
}
