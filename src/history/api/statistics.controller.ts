import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProblems, ApiTags } from '../../http/openapi/decorators.js';
import { invalidParameter, type ProblemError } from '../../http/problem.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { Statistics } from '../statistics.js';
import { TOO_MANY_ROWS } from '../statistics-sweep.js';
import { notConfigured } from './not-configured.js';
import { rangeOf } from './range.js';
import { INTERVALS, StatisticsQuery, TagStatisticsQuery } from './statistics-queries.js';
import {
  STATISTICS_EXAMPLE,
  StatisticsResponse,
  statisticsResponse,
  TAG_STATISTICS_EXAMPLE,
  TagStatisticsResponse,
  tagStatisticsResponse,
} from './statistics-responses.js';

/** A day of minutes. */
const MAX_INTERVALS = 1_440;

@ApiTags('history')
@Controller('v1/stats')
export class StatisticsController {
  constructor(
    private readonly statistics: Statistics,
    private readonly sources: SourceNames,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  @Access('read')
  @ApiOperation({
    operationId: 'getStatistics',
    summary: 'Statistics over time',
    description:
      'For each interval of a range, in ascending order: how many participants there were at most, how many arrived and left, ' +
      `and how long they stayed. Computed from all connections that match, and corrected by late events. Up to ${MAX_INTERVALS} ` +
      'intervals. A stay is the time from the arrival of a participant to its departure: the union of its overlapping ' +
      'connections, including interruptions within the grace period.',
  })
  @ApiOkResponse({ type: StatisticsResponse, description: 'All intervals of the range.', example: STATISTICS_EXAMPLE })
  @ApiProblems('not-configured', 'store-unavailable')
  async overTime(@Query() query: StatisticsQuery): Promise<StatisticsResponse> {
    const { interval, tag, scope } = query;
    const source = this.sources.parse(query.source);
    const [fromMs, toMs] = this.#rangeOf(query);
    const lengthMs = INTERVALS[interval];
    const count = Math.ceil((toMs - fromMs) / lengthMs);
    if (count > MAX_INTERVALS) throw tooManyIntervals(count);
    if (!this.statistics.isOn) throw notConfigured();
    const boundsMs = Array.from({ length: count + 1 }, (_, n) => Math.min(fromMs + n * lengthMs, toMs));
    const results = await this.statistics.intervals({ tag, source, scope }, boundsMs);
    if (results === TOO_MANY_ROWS) throw tooManyConnections(this.statistics.maxRows, 'tag, source or scope');
    return statisticsResponse(results);
  }

  @Get('tags')
  @Access('read')
  @ApiOperation({
    operationId: 'getTagStatistics',
    summary: 'Statistics by tag',
    description:
      'The same for each tag, over the whole range: those with the most participants at the same time first, then those with ' +
      'the most devices, then in the order of their tags. A participant whose tag differed between its connections counts for ' +
      'each of these tags.',
  })
  @ApiOkResponse({ type: TagStatisticsResponse, description: 'The first tags.', example: TAG_STATISTICS_EXAMPLE })
  @ApiProblems('not-configured', 'store-unavailable')
  async byTag(@Query() query: TagStatisticsQuery): Promise<TagStatisticsResponse> {
    const { limit, scope } = query;
    const source = this.sources.parse(query.source);
    const [fromMs, toMs] = this.#rangeOf(query);
    if (!this.statistics.isOn) throw notConfigured();
    const result = await this.statistics.tags({ source, scope }, fromMs, toMs);
    if (result === TOO_MANY_ROWS) throw tooManyConnections(this.statistics.maxRows, 'source or scope');
    return tagStatisticsResponse(result, limit);
  }

  /** Until now at most. */
  #rangeOf({ from, to }: { from: string; to: string }): [fromMs: number, toMs: number] {
    const nowMs = this.clock.now();
    const { fromMs, toMs } = rangeOf(from, to) as { fromMs: number; toMs: number };
    if (fromMs >= nowMs) throw invalidParameter('from', 'must be in the past');
    return [fromMs, Math.min(toMs, nowMs)];
  }
}

function tooManyIntervals(count: number): ProblemError {
  const message = `must be longer, or the range shorter: ${count} intervals are more than ${MAX_INTERVALS}`;
  return invalidParameter('interval', message);
}

function tooManyConnections(maxRows: number, filters: string): ProblemError {
  const message = `must be closer to from, or select fewer connections by ${filters}: the range has more than ${maxRows}`;
  return invalidParameter('to', message);
}
