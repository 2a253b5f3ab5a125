import { Controller, Delete, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { decodeCursor, encodeCursor, isTime } from '../../http/cursor.js';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { PURGE_CURSOR_EXAMPLE } from '../../http/openapi/examples.js';
import { invalidParameter, ProblemError } from '../../http/problem.js';
import { requestLog } from '../../http/request-log.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { parseRfc3339 } from '../../runtime/rfc3339.js';
import { isSubjectKey, type SubjectKey } from '../../storage/encoding/subject-key.js';
import type { PageCursor } from '../../storage/ports.js';
import { Purge } from '../write/purge.js';
import { PurgeQuery, PurgeResponse } from './purge-query.js';

@ApiTags('participants')
@Controller('v1/participants')
export class PurgeController {
  constructor(
    private readonly purge: Purge,
    private readonly sources: SourceNames,
  ) {}

  @Delete()
  @Access('admin')
  @ApiOperation({
    operationId: 'purgeParticipants',
    summary: 'Purge participants',
    description:
      'Removes all participants that match all filters, in any state. Those that are present are announced as gone, with ' +
      'the cause `ended`. At least one of `tag`, `source`, `scope` and `since` is required. One request examines up to ' +
      '1,000 participants: repeat it with `nextCursor` as `cursor` until there is none. If another event of a removed ' +
      'participant arrives, it is treated as a new one.',
  })
  @ApiOkResponse({
    type: PurgeResponse,
    description: 'How many of the examined participants matched, and how many were purged.',
    example: { matched: 812, purged: 812, nextCursor: PURGE_CURSOR_EXAMPLE },
  })
  @ApiProblems('store-unavailable')
  async purgeParticipants(@Req() request: FastifyRequest, @Query() query: PurgeQuery): Promise<PurgeResponse> {
    const { tag, source, scope, since, until, dryRun, cursor } = query;
    const filter = { tag, source: this.sources.parse(source), scope, ...timesOf(query) };
    const cursorFilter = JSON.stringify([tag, source, since, until, ...(scope === undefined ? [] : [scope])]);
    const after = cursor === undefined ? null : toPageCursor(cursor, cursorFilter);
    const { matched, purged, next } = await this.purge.run(filter, after, dryRun);
    requestLog(request).info(
      { tag, source, scope, since, until, dryRun, matched, purged },
      'an operator asked to purge participants',
    );
    const nextCursor = next && encodeCursor([next.sinceMs, next.key], cursorFilter);
    return { matched, purged, ...(nextCursor && { nextCursor }) };
  }
}

function timesOf({ tag, source, scope, since, until }: PurgeQuery): { sinceMs: number; untilMs: number } {
  if ([tag, source, scope, since].every((value) => value === undefined)) {
    const message = 'at least one of tag, source, scope and since is required';
    throw new ProblemError('invalid-request', { detail: message, errors: [{ pointer: '#', message }] });
  }
  const sinceMs = parseRfc3339(since ?? '') ?? Number.NEGATIVE_INFINITY;
  const untilMs = parseRfc3339(until ?? '') ?? Number.POSITIVE_INFINITY;
  if (untilMs <= sinceMs) throw invalidParameter('until', 'must be later than since');
  return { sinceMs, untilMs };
}

function toPageCursor(cursor: string, filter: string): PageCursor {
  const [sinceMs, key] = decodeCursor(cursor, [isTime, isSubjectKey], filter);
  return { sinceMs: Number(sinceMs), key: key as SubjectKey };
}
