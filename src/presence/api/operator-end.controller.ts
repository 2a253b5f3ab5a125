// Lets an operator end a ghost: a participant or device for which the provider will never send an end event.
import { Body, Controller, Delete, HttpCode, HttpStatus, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import { ApiOperation, ApiProblems, ApiResponse, ApiTags } from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { Recorder } from '../write/recorder.js';
import { ApiParticipantId } from './participant-operations.js';
import { EndDeviceRequest, SubjectQuery } from './queries.js';
import { requestedSubject } from './requested-subject.js';

const ENDED = 'It is gone, with the cause `ended`, or was not present.';
const UNDONE = 'A later connect or disconnect undoes it; a later leave only changes the cause to `left`.';

@ApiTags('participants')
@Controller('v1/participants/:participantId')
export class OperatorEndController {
  constructor(
    private readonly recorder: Recorder,
    private readonly sources: SourceNames,
  ) {}

  @Delete()
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'endParticipant',
    summary: 'End the presence of a participant',
    description: `For a ghost whose end the provider never reported: all of its devices become gone. ${UNDONE}`,
  })
  @ApiParticipantId()
  @ApiResponse({ status: 204, description: ENDED })
  @ApiProblems('unknown-participant', 'uri-too-long', 'store-unavailable')
  endParticipant(
    @Req() request: FastifyRequest,
    @Param('participantId') participantId: string,
    @Query() query: SubjectQuery,
  ): Promise<void> {
    return this.#end(request, participantId, query);
  }

  @Post('end')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'endDevice',
    summary: 'End the presence of one device of a participant',
    description: `For a device whose end the provider never reported. ${UNDONE}`,
  })
  @ApiParticipantId()
  @ApiResponse({ status: 204, description: ENDED })
  @ApiProblems('unknown-device', 'uri-too-long', 'store-unavailable')
  endDevice(
    @Req() request: FastifyRequest,
    @Param('participantId') participantId: string,
    @Body() { deviceId }: EndDeviceRequest,
    @Query() query: SubjectQuery,
  ): Promise<void> {
    return this.#end(request, participantId, query, deviceId);
  }

  /** Every request is logged, with the name of its API key and the request id. */
  async #end(request: FastifyRequest, participantId: string, query: SubjectQuery, deviceId?: string): Promise<void> {
    const subject = requestedSubject(this.sources, participantId, query);
    const outcome = await this.recorder.end(subject, deviceId as DeviceId | undefined);
    requestLog(request).info({ ...subject, deviceId, outcome }, 'an operator asked to end presence');
    if (outcome !== 'unknown') return;
    throw deviceId === undefined
      ? new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' })
      : new ProblemError('unknown-device', { detail: 'No event of this device of the participant is known.' });
  }
}
