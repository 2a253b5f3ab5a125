import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CLOCK, type Clock } from '../platform/clock.js';
import { OccupancyAnswer, rfc3339, TagsAnswer } from './answers.js';
import { decodeCursor, encodeCursor } from './cursor.js';
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
  @ApiOperation({ summary: 'How many, no identities' })
  @ApiOkResponse({ type: OccupancyAnswer })
  async occupancy(@Query() { tag }: OccupancyQuery): Promise<OccupancyAnswer> {
    const asOf = rfc3339(this.clock.now());
    return { ...(await this.reader.occupancy(tag)), asOf };
  }

  @Get('tags')
  @ApiOperation({ summary: 'Tags with somebody present, and how many' })
  @ApiOkResponse({ type: TagsAnswer })
  async tags(@Query() { limit, cursor }: TagsQuery): Promise<TagsAnswer> {
    const asOf = rfc3339(this.clock.now());
    const after = cursor === undefined ? null : String(decodeCursor(cursor, ['string'], 'tags')[0]);
    const { items, next } = await this.reader.tags(after, limit);
    return { items: [...items], ...(next && { nextCursor: encodeCursor([next.tag], 'tags') }), asOf };
  }
}
