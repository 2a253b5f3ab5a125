import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CLOCK, type Clock } from '../platform/clock.js';
import { etagOf, namesEtag } from '../platform/etag.js';
import { ProblemError } from '../platform/problem.js';
import { LookupAnswer, ParticipantAnswer, ParticipantsAnswer, participantAnswer, rfc3339 } from './answers.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { ParticipantId } from './domain/lifecycle-event.js';
import { identifierFault } from './identifier.js';
import { PresenceReader } from './presence-reader.js';
import type { PageCursor } from './presence-store.js';
import { LookupQuestion, NoQuery, ParticipantsQuery } from './questions.js';

/** 1,000 ids of 256 characters, each of them up to four bytes. */
const LOOKUP_LIMIT_BYTES = 1_100_000;

@ApiTags('participants')
@Controller('v1/participants')
export class ParticipantsController {
  constructor(
    private readonly reader: PresenceReader,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Who is connected, by the time their presence began' })
  @ApiOkResponse({ type: ParticipantsAnswer })
  async list(@Query() { state, tag, limit, cursor }: ParticipantsQuery): Promise<ParticipantsAnswer> {
    const asOf = rfc3339(this.clock.now());
    const filter = `${[...state].sort().join()} ${tag ?? ''}`;
    const after = cursor === undefined ? null : toPageCursor(cursor, filter);
    const { items, next } = await this.reader.list({ states: state, ...(tag && { tag }) }, after, limit);
    const nextCursor = next && encodeCursor([next.sinceMs, next.participantId], filter);
    return { items: items.map(participantAnswer), ...(nextCursor && { nextCursor }), asOf };
  }

  @Get(':participantId')
  @ApiOperation({ summary: 'One participant' })
  @ApiOkResponse({ type: ParticipantAnswer })
  @ApiResponse({ status: 304, description: 'As it is in the answer that If-None-Match names.' })
  @ApiResponse({ status: 404, description: 'Never heard of, or forgotten.' })
  async find(
    @Param('participantId') participantId: string,
    @Query() _: NoQuery,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ParticipantAnswer | undefined> {
    const fault = identifierFault(participantId);
    if (fault) throw invalid('participantId', fault);
    const [record] = await this.reader.find([participantId as ParticipantId]);
    if (!record) throw new ProblemError('unknown-participant', { detail: 'No event of this participant is known.' });
    const answer = participantAnswer(record);
    const etag = etagOf(answer);
    reply.header('etag', etag).header('cache-control', 'no-cache');
    if (!namesEtag(ifNoneMatch, etag)) return answer;
    reply.code(304);
    return undefined;
  }

  @Post('lookup')
  @RouteConfig({ bodyLimitBytes: LOOKUP_LIMIT_BYTES })
  @HttpCode(200)
  @ApiOperation({ summary: 'Up to 1,000 participants by their ids' })
  @ApiOkResponse({ type: LookupAnswer })
  async lookup(@Body() { participantIds }: LookupQuestion, @Query() _: NoQuery): Promise<LookupAnswer> {
    const asOf = rfc3339(this.clock.now());
    const records = await this.reader.find(participantIds as ParticipantId[]);
    const items = participantIds.map((participantId, index) => {
      const record = records[index];
      return record ? participantAnswer(record) : { participantId, state: 'unknown' as const };
    });
    return { items, asOf };
  }
}

function toPageCursor(cursor: string, filter: string): PageCursor {
  const [sinceMs, participantId] = decodeCursor(cursor, ['number', 'string'], filter);
  return { sinceMs: sinceMs as number, participantId: participantId as ParticipantId };
}

function invalid(name: string, message: string): ProblemError {
  return new ProblemError('invalid-request', {
    detail: `${name} ${message}`,
    errors: [{ pointer: `#/${name}`, message }],
  });
}
