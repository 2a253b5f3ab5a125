import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CLOCK, type Clock } from '../platform/clock.js';
import { etagOf, namesEtag } from '../platform/etag.js';
import { ProblemError } from '../platform/problem.js';
import { LookupAnswer, ParticipantAnswer, ParticipantsAnswer, participantAnswer, rfc3339 } from './answers.js';
import { decodeCursor, encodeCursor, isPosition } from './cursor.js';
import type { ParticipantId } from './domain/lifecycle-event.js';
import { formatPosition } from './feed-position.js';
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
    const start = cursor === undefined ? null : toPageStart(cursor, filter);
    const page = await this.reader.list({ states: state, ...(tag && { tag }) }, start?.after ?? null, limit);
    const position = start?.position ?? formatPosition(page.position);
    const nextCursor = page.next && encodeCursor([page.next.sinceMs, page.next.participantId, position], filter);
    return { items: page.items.map(participantAnswer), ...(nextCursor && { nextCursor }), position, asOf };
  }

  @Get(':participantId')
  @ApiOperation({ summary: 'One participant' })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of an answer that is known.' })
  @ApiOkResponse({ type: ParticipantAnswer, headers: { ETag: { schema: { type: 'string' } } } })
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

function toPageStart(cursor: string, filter: string): { after: PageCursor; position: string } {
  const [sinceMs, participantId, position] = decodeCursor(cursor, [isTime, isIdentifier, isPosition], filter);
  return {
    after: { sinceMs: Number(sinceMs), participantId: participantId as ParticipantId },
    position: String(position),
  };
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isIdentifier(value: unknown): boolean {
  return identifierFault(value) === undefined;
}

function invalid(name: string, message: string): ProblemError {
  return new ProblemError('invalid-request', {
    detail: `${name} ${message}`,
    errors: [{ pointer: `#/${name}`, message }],
  });
}
