// Query parameters for statistics.
import { IsIn } from 'class-validator';
import { ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { Limit, RequiredTime, Scope, SourceParameter, Tag } from '../../http/query-parameters.js';

/** In milliseconds. */
export const INTERVALS = { PT1M: 60_000, PT5M: 300_000, PT1H: 3_600_000, P1D: 86_400_000 } as const;

export type Interval = keyof typeof INTERVALS;

const INTERVAL_NAMES = Object.keys(INTERVALS) as Interval[];

class RangeQuery {
  @RequiredTime('2021-08-12T16:00:00Z', 'The beginning, in the past.')
  from: string;

  @RequiredTime(
    '2021-08-12T17:00:00Z',
    'The end, which is not part of the range: at most 366 days after `from`. If it is in the future, the range ends now.',
  )
  to: string;

  @SourceParameter('Only connections of this source.')
  source?: string;

  @Scope()
  scope?: string;
}

export class StatisticsQuery extends RangeQuery {
  @ApiPropertyOptional({
    type: String,
    enum: INTERVAL_NAMES,
    default: 'PT1H',
    example: 'PT1H',
    description:
      'The length of the intervals, which are counted from `from`: one minute, five minutes, one hour or 24 hours. The last ' +
      'one ends with the range.',
  })
  @IsIn(INTERVAL_NAMES, { message: `must be one of ${INTERVAL_NAMES.join(', ')}` })
  interval: Interval = 'PT1H';

  @Tag()
  tag?: string;
}

export class TagStatisticsQuery extends RangeQuery {
  @Limit()
  limit: number = 100;
}
