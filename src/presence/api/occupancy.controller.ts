import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { OCCUPANCY_EXAMPLE, TAGS_EXAMPLE } from '../../http/openapi/examples.js';
import { invalidParameter } from '../../http/problem.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { formatPosition } from '../../storage/feed-position.js';
import type { OccupancyFilter } from '../../storage/ports.js';
import { PresenceReader } from '../read/presence-reader.js';
import { decodeCursor, encodeCursor, isPosition } from './cursor.js';
import { OccupancyQuery, TagsQuery } from './queries.js';
import { OccupancyResponse, TagsResponse } from './responses.js';

@ApiTags('occupancy')
@Controller('v1')
export class OccupancyController {
  constructor(
    private readonly reader: PresenceReader,
    private readonly sources: SourceNames,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get('occupancy')
  @Access('read')
  @ApiOperation({
    operationId: 'getOccupancy',
    summary: 'Count the participants present',
    description:
      'Counts the participants and devices present: all of them, or those of one source, one scope or one tag.',
  })
  @ApiOkResponse({ type: OccupancyResponse, description: 'The counts.', example: OCCUPANCY_EXAMPLE })
  @ApiProblems('store-unavailable')
  async occupancy(@Query() { tag, scope, source }: OccupancyQuery): Promise<OccupancyResponse> {
    const asOf = rfc3339(this.clock.now());
    if (tag !== undefined && scope !== undefined) {
      throw invalidParameter('scope', 'cannot be combined with tag: list the participants instead');
    }
    const filter = { source: this.sources.parse(source), group: groupOf(tag, scope) };
    return { ...(await this.reader.occupancy(filter)), asOf };
  }

  @Get('tags')
  @Access('read')
  @ApiOperation({
    operationId: 'listTags',
    summary: 'List tags and their counts',
    description: 'Lists the tags that have participants present, in the byte order of their UTF-8 text.',
  })
  @ApiOkResponse({ type: TagsResponse, description: 'One page of tags.', example: TAGS_EXAMPLE })
  @ApiProblems('store-unavailable')
  async tags(@Query() { source, limit, cursor }: TagsQuery): Promise<TagsResponse> {
    const asOf = rfc3339(this.clock.now());
    const filter = source === undefined ? 'tags' : `tags of ${source}`;
    const start = cursor === undefined ? null : decodeCursor(cursor, [isTag, isPosition], filter).map(String);
    const page = await this.reader.tags(this.sources.parse(source), start?.[0] ?? null, limit);
    const position = start?.[1] ?? formatPosition(page.position);
    const nextCursor = page.next && encodeCursor([page.next.tag, position], filter);
    return { items: page.items, ...(nextCursor && { nextCursor }), position, asOf };
  }
}

function groupOf(tag: string | undefined, scope: string | undefined): OccupancyFilter['group'] {
  if (tag !== undefined) return { kind: 'tag', name: tag };
  return scope === undefined ? undefined : { kind: 'scope', name: scope };
}

function isTag(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0');
}
