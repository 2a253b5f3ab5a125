// What an operator can do about a ghost: end a participant, or one of its devices, that the provider will never end.
import { Body, Controller, Delete, HttpCode, HttpStatus, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '../platform/openapi-decorators.js';
import { invalidParameter, ProblemError } from '../platform/problem.js';
import { Access } from '../platform/route-options.js';
import type { DeviceId, ParticipantId } from './domain/lifecycle-event.js';
import { identifierFault } from './identifier.js';
import { EndDeviceQuestion, NoQuery } from './questions.js';
import { Recorder } from './recorder.js';

const ENDED = 'Ended, with the cause `ended`, or was not present. A later event of the provider undoes it.';

@ApiTags('participants')
@Controller('v1/participants/:participantId')
export class OperatorEndController {
  constructor(private readonly recorder: Recorder) {}

  @Delete()
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'End the presence of a participant' })
  @ApiParam({ name: 'participantId', type: String })
  @ApiResponse({ status: 204, description: ENDED })
  @ApiResponse({ status: 404, description: 'No event of the participant was ever received, or it is forgotten.' })
  endParticipant(
    @Req() request: FastifyRequest,
    @Param('participantId') participantId: string,
    @Query() _: NoQuery,
  ): Promise<void> {
    return this.#end(request, participantId);
  }

  @Post('end')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'End the presence of one device of a participant' })
  @ApiParam({ name: 'participantId', type: String })
  @ApiResponse({ status: 204, description: ENDED })
  @ApiResponse({ status: 404, description: 'The participant, or a device of it with this id, is not known.' })
  endDevice(
    @Req() request: FastifyRequest,
    @Param('participantId') participantId: string,
    @Body() { deviceId }: EndDeviceQuestion,
    @Query() _: NoQuery,
  ): Promise<void> {
    return this.#end(request, participantId, deviceId);
  }

  /** Every request for an end is in the log, with the name of its key and its id. */
  async #end({ log }: FastifyRequest, participantId: string, deviceId?: string): Promise<void> {
    const fault = identifierFault(participantId);
    if (fault) throw invalidParameter('participantId', fault);
    const outcome = await this.recorder.end(participantId as ParticipantId, deviceId as DeviceId | undefined);
    log.info({ participantId, deviceId, outcome }, 'an operator asked to end presence');
    if (outcome !== 'unknown') return;
    throw deviceId === undefined
      ? new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' })
      : new ProblemError('unknown-device', { detail: 'No event of this device of this participant is known.' });
  }
}
