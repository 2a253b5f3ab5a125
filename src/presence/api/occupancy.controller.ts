import { Controller, Get, Inject, Query } from '@nestjs/common';
import { type Labels, NO_LABELS } from '../../domain/labels.js';
import { decodeCursor, encodeCursor, isPosition } from '../../http/cursor.js';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { OCCUPANCY_EXAMPLE, TAGS_EXAMPLE } from '../../http/openapi/examples.js';
import { invalidParameter } from '../../http/problem.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { formatPosition } from '../../storage/feed-position.js';
import { labelGroup } from '../../storage/label-index.js';
import type { OccupancyFilter } from '../../storage/ports.js';
import { PresenceReader } from '../read/presence-reader.js';
import { INDEXED_LABELS } from '../write/label-indexer.js';
import { refuseUnindexed } from './indexed-labels.js';
import { OccupancyQuery, TagsQuery } from './queries.js';
import { OccupancyResponse, TagsResponse } from './responses.js';

@ApiTags('occupancy')
@Controller('v1')
export class OccupancyController {
  constructor(
    private readonly reader: PresenceReader,
    private readonly sources: SourceNames,
    @Inject(INDEXED_LABELS) private readonly indexedLabels: readonly string[],
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get('occupancy')
  @Access('read')
  @ApiOperation({
    operationId: 'getOccupancy',
    summary: 'Count the participants present',
    description:
      'Counts the participants and devices present: all of them, or those of one source, and of one scope, one tag or one label.',
  })
  @ApiOkResponse({ type: OccupancyResponse, description: 'The counts.', example: OCCUPANCY_EXAMPLE })
  @ApiProblems('store-unavailable', 'labels-not-indexed')
  async occupancy(@Query() { tag, scope, source, labels }: OccupancyQuery): Promise<OccupancyResponse> {
    const asOf = rfc3339(this.clock.now());
    refuseUnindexed(labels, this.indexedLabels);
    const groups = groupsOf(tag, scope, labels);
    if (groups.length > 1)
      throw invalidParameter(
        parameterOf(groups.at(-1)),
        'cannot be combined with another group: list the participants instead',
      );
    const filter = { source: this.sources.parse(source), group: groups[0] };
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

type OccupancyGroup = NonNullable<OccupancyFilter['group']>;

function groupsOf(tag: string | undefined, scope: string | undefined, labels: Labels = NO_LABELS): OccupancyGroup[] {
  const named = Object.entries({ tag, scope }) as ['tag' | 'scope', string | undefined][];
  const groups = named.flatMap(([kind, name]): OccupancyGroup[] => (name === undefined ? [] : [{ kind, name }]));
  return [...groups, ...Object.entries(labels).map((label) => labelGroup(...label))];
}

function parameterOf(group: OccupancyGroup | undefined): string {
  return group?.kind === 'label' ? `label.${group.name.split('=')[0]}` : (group?.kind ?? '');
}

function isTag(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0');
}
