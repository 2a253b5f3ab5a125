import { Controller, Get, Inject, Query } from '@nestjs/common';
import { CLOCK, type Clock } from '../platform/clock.js';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../platform/openapi-decorators.js';
import { rfc3339 } from '../platform/rfc3339.js';
import { Access } from '../platform/route-options.js';
import { OCCUPANCY_EXAMPLE, TAGS_EXAMPLE } from './answer-examples.js';
import { OccupancyAnswer, TagsAnswer } from './answers.js';
import { decodeCursor, encodeCursor, isPosition } from './cursor.js';
import { formatPosition } from './feed-position.js';
import { PresenceReader } from './presence-reader.js';
import { OccupancyQuery, TagsQuery } from './questions.js';

@ApiTags('occupancy')
@Controller('v1')
export class OccupancyController {
  constructor(
    private readonly reader: PresenceReader,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get('occupancy')
  @Access('read')
  @ApiOperation({
    operationId: 'getOccupancy',
    summary: 'Count the participants present',
    description: 'Counts the participants and devices present, of all tags or of one.',
  })
  @ApiOkResponse({ type: OccupancyAnswer, description: 'The counts.', example: OCCUPANCY_EXAMPLE })
  @ApiProblems('store-unavailable')
  async occupancy(@Query() { tag }: OccupancyQuery): Promise<OccupancyAnswer> {
    const asOf = rfc3339(this.clock.now());
    return { ...(await this.reader.occupancy(tag)), asOf };
  }

  @Get('tags')
  @Access('read')
  @ApiOperation({
    operationId: 'listTags',
    summary: 'List tags and their counts',
    description: 'Lists the tags under which a participant is present, in the byte order of their UTF-8 text.',
  })
  @ApiOkResponse({ type: TagsAnswer, description: 'One page of tags.', example: TAGS_EXAMPLE })
  @ApiProblems('store-unavailable')
  async tags(@Query() { limit, cursor }: TagsQuery): Promise<TagsAnswer> {
    const asOf = rfc3339(this.clock.now());
    const start = cursor === undefined ? null : decodeCursor(cursor, [isTag, isPosition], 'tags').map(String);
    const page = await this.reader.tags(start?.[0] ?? null, limit);
    const position = start?.[1] ?? formatPosition(page.position);
    const nextCursor = page.next && encodeCursor([page.next.tag, position], 'tags');
    return { items: page.items, ...(nextCursor && { nextCursor }), position, asOf };
  }
}

function isTag(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0');
}
