import type { OutgoingHttpHeaders } from 'node:http';
import { Controller, Get, Headers, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiProblems,
  ApiProduces,
  ApiTags,
} from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE } from '../../http/openapi/examples.js';
import { ProblemError } from '../../http/problem.js';
import { Access, Limits } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { type FeedPosition, parsePosition } from '../../storage/feed-position.js';
import { CHANGES_EXAMPLE, STREAM_EVENT_EXAMPLE } from './change-examples.js';
import { ChangePoll } from './change-poll.js';
import { ChangesResponse } from './change-response.js';
import { ChangeStreams } from './change-streams.js';
import { ChangesQuery, POSITION_FAULT, StreamQuery } from './queries.js';
import { STREAM_EVENT_SCHEMA, STREAM_EVENTS } from './stream-events.js';

@ApiTags('changes')
@Controller('v1/changes')
export class ChangesController {
  constructor(
    private readonly poll: ChangePoll,
    private readonly streams: ChangeStreams,
    private readonly sources: SourceNames,
  ) {}

  @Get()
  @Access('read')
  @Limits({ hasOwnLimit: true })
  @ApiOperation({
    operationId: 'listChanges',
    summary: 'List changes after a position',
    description:
      'Returns the changes after a position, in order. If there are none and `wait` is given, responds with the first ' +
      'change, or after that many seconds without one. List the participants first, and pass the `position` of that ' +
      'list. One request reads a limited part of the feed, less under load, so a response may have fewer items than ' +
      '`limit`, or none, although more changes match. Continue from its `position`, which is past everything that was read.',
  })
  @ApiOkResponse({
    type: ChangesResponse,
    description: 'The changes, and the position to continue after.',
    example: CHANGES_EXAMPLE,
  })
  @ApiProblems('position-gone', 'too-many-streams', 'store-unavailable')
  async changes(
    @Query() { after, limit, wait, ...filter }: ChangesQuery,
    @Req() request: FastifyRequest,
  ): Promise<ChangesResponse> {
    const position = after === undefined ? undefined : (parsePosition(after) as FeedPosition);
    this.sources.parse(filter.source);
    return this.poll.run({ after: position, limit, waitMs: wait * 1_000, filter, signal: request.signal });
  }

  @Get('stream')
  @Access('read')
  @Limits({ hasOwnLimit: true })
  @ApiOperation({
    operationId: 'streamChanges',
    summary: 'Stream changes as server-sent events',
    description:
      'Sends each change as an event: its name is the type of the change, its id the position, its data the change. ' +
      'A `position` event only reports how far the feed was read. A `reset` event reports that changes were missed that ' +
      'are no longer stored: list the participants again. The stream then ends, and a client that reconnects continues ' +
      'after the position of that event. A comment is sent every 15 s if there is nothing else to send.',
  })
  @ApiProduces('text/event-stream')
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    schema: { type: 'string' },
    example: POSITION_EXAMPLE,
    description: 'The id of the last event received. EventSource sends it automatically.',
  })
  @ApiExtraModels(...STREAM_EVENTS)
  @ApiOkResponse({
    description: 'A sequence of these events, until the client disconnects.',
    schema: STREAM_EVENT_SCHEMA,
    example: STREAM_EVENT_EXAMPLE,
  })
  @ApiProblems('too-many-streams', 'store-unavailable')
  async stream(
    @Query() { after, ...filter }: StreamQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() { method }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.sources.parse(filter.source);
    const start = lastEventId ? toPosition(lastEventId) : after === undefined ? undefined : parsePosition(after);
    if (method === 'HEAD') return void reply.type('text/event-stream').send();
    const hijack = () => ({ response: reply.hijack().raw, headers: reply.getHeaders() as OutgoingHttpHeaders });
    await this.streams.open({ after: start, filter }, { hijack });
  }
}

function toPosition(lastEventId: string): FeedPosition {
  const position = parsePosition(lastEventId);
  if (position) return position;
  const errors = [{ pointer: '#/Last-Event-ID', message: POSITION_FAULT }];
  throw new ProblemError('invalid-request', { detail: `Last-Event-ID ${POSITION_FAULT}`, errors });
}
