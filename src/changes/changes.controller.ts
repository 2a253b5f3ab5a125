import type { OutgoingHttpHeaders } from 'node:http';
import { Controller, Get, Headers, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  ApiGoneResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '../platform/openapi-decorators.js';
import { ProblemError } from '../platform/problem.js';
import { Access, Limits } from '../platform/route-options.js';
import { type FeedPosition, parsePosition } from '../presence/feed-position.js';
import { ChangesAnswer } from './change-answer.js';
import { ChangePoll } from './change-poll.js';
import { ChangeStreams } from './change-streams.js';
import { ChangesQuery, POSITION_FAULT, StreamQuery } from './questions.js';

@ApiTags('changes')
@Controller('v1/changes')
export class ChangesController {
  constructor(
    private readonly poll: ChangePoll,
    private readonly streams: ChangeStreams,
  ) {}

  @Get()
  @Access('read')
  @Limits({ hasOwnLimit: true })
  @ApiOperation({
    summary: 'What changed after a position',
    description:
      'One request reads a limited part of the feed. If a filter leaves out all of it, the response has no items although ' +
      'there may be more: continue from its `position`, which is past everything that was read.',
  })
  @ApiOkResponse({ type: ChangesAnswer })
  @ApiGoneResponse({ description: 'What came after this position is no longer known: list again.' })
  async changes(
    @Query() { after, limit, wait, ...filter }: ChangesQuery,
    @Req() request: FastifyRequest,
  ): Promise<ChangesAnswer> {
    const position = after === undefined ? undefined : (parsePosition(after) as FeedPosition);
    return this.poll.ask({ after: position, limit, waitMs: wait * 1_000, filter, signal: request.signal });
  }

  @Get('stream')
  @Access('read')
  @Limits({ hasOwnLimit: true })
  @ApiOperation({
    summary: 'What changes, as server-sent events',
    description:
      'Each event has the type of the change as its name, the position as its id, and the change as its data. ' +
      'An event `position` tells only how far the feed was read. An event `reset` tells that changes were missed ' +
      'which are no longer known: list again. The stream then ends, and goes on from the position of that event.',
  })
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'The id of the last event that was received.' })
  @ApiOkResponse({ description: 'Events, for as long as the client stays.', schema: { type: 'string' } })
  async stream(
    @Query() { after, ...filter }: StreamQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() { method }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const start = lastEventId ? toPosition(lastEventId) : after === undefined ? undefined : parsePosition(after);
    if (method === 'HEAD') return void reply.type('text/event-stream').send();
    const take = () => ({ response: reply.hijack().raw, headers: reply.getHeaders() as OutgoingHttpHeaders });
    await this.streams.open({ after: start, filter }, { take });
  }
}

function toPosition(lastEventId: string): FeedPosition {
  const position = parsePosition(lastEventId);
  if (position) return position;
  const errors = [{ pointer: '#/Last-Event-ID', message: POSITION_FAULT }];
  throw new ProblemError('invalid-request', { detail: `Last-Event-ID ${POSITION_FAULT}`, errors });
}
