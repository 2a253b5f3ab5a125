// Statistics as returned by REST.
import { GONE_CAUSES, type GoneCause } from '../../domain/connection.js';
import { ApiProperty } from '../../http/openapi/decorators.js';
import { TAG_EXAMPLE } from '../../http/openapi/examples.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { Result } from '../statistics.js';
import type { IntervalStatistics, TagStatistics } from '../statistics-sweep.js';

const FROM_EXAMPLE = '2021-08-12T16:00:00.000Z';
const TO_EXAMPLE = '2021-08-12T17:00:00.000Z';
const COMPLETE =
  'false if connections may be missing: the time begins before what is kept, or changes within it could not be read.';

class StayLengthsResponse {
  @ApiProperty({ type: 'integer', example: 1_500_000, description: 'The sum.' })
  totalMs: number;

  @ApiProperty({ type: 'integer', example: 500_000, description: 'The arithmetic mean, rounded.' })
  meanMs: number;

  @ApiProperty({ type: 'integer', example: 600_000, description: 'At least half of the stays were not longer.' })
  medianMs: number;

  @ApiProperty({ type: 'integer', example: 720_000, description: 'At least 95 % of the stays were not longer.' })
  p95Ms: number;
}

class CountsResponse {
  @ApiProperty({
    type: 'integer',
    example: 2,
    description: 'The greatest number of participants with at least one open connection at the same time.',
  })
  peakParticipants: number;

  @ApiProperty({
    type: 'integer',
    example: 3,
    description: 'The greatest number of devices with an open connection at the same time.',
  })
  peakDevices: number;

  @ApiProperty({
    type: 'integer',
    example: 4,
    description: 'Stays that began: participants whose first connection opened.',
  })
  arrivals: number;

  @ApiProperty({
    type: 'object',
    properties: Object.fromEntries(GONE_CAUSES.map((cause) => [cause, { type: 'integer', example: 1 }])),
    required: [...GONE_CAUSES],
    example: { left: 2, ended: 0, lost: 1, reconciled: 0, superseded: 0, expired: 0 },
    description: 'Stays that ended, by the cause of the last connection to end.',
  })
  departures: Record<GoneCause, number>;

  @ApiProperty({
    type: 'integer',
    example: 3_600_000,
    description:
      'The time that all participants together were present within this time; 60,000 is a participant minute.',
  })
  participantMs: number;

  @ApiProperty({
    type: StayLengthsResponse,
    nullable: true,
    description: 'The whole lengths of the stays that ended, also before this time; null if none did.',
  })
  stay: StayLengthsResponse | null;
}

class IntervalResponse extends CountsResponse {
  @ApiProperty({ format: 'date-time', example: FROM_EXAMPLE })
  from: string;

  @ApiProperty({ format: 'date-time', example: TO_EXAMPLE, description: 'Not part of the interval.' })
  to: string;

  @ApiProperty({ type: Boolean, example: true, description: COMPLETE })
  complete: boolean;
}

export class StatisticsResponse {
  @ApiProperty({ type: [IntervalResponse] })
  items: IntervalResponse[];

  @ApiProperty({ type: Boolean, example: true, description: 'Whether all intervals are complete.' })
  complete: boolean;
}

class TagStatisticsItem extends CountsResponse {
  @ApiProperty({ type: String, example: TAG_EXAMPLE })
  tag: string;
}

export class TagStatisticsResponse {
  @ApiProperty({ type: [TagStatisticsItem] })
  items: TagStatisticsItem[];

  @ApiProperty({ type: Boolean, example: true, description: COMPLETE })
  complete: boolean;
}

const COUNTS_EXAMPLE = {
  peakParticipants: 2,
  peakDevices: 3,
  arrivals: 4,
  departures: { left: 2, ended: 0, lost: 1, reconciled: 0, superseded: 0, expired: 0 },
  participantMs: 3_600_000,
  stay: { totalMs: 1_500_000, meanMs: 500_000, medianMs: 600_000, p95Ms: 720_000 },
};

export const STATISTICS_EXAMPLE: StatisticsResponse = {
  items: [{ from: FROM_EXAMPLE, to: TO_EXAMPLE, ...COUNTS_EXAMPLE, complete: true }],
  complete: true,
};

export const TAG_STATISTICS_EXAMPLE: TagStatisticsResponse = {
  items: [{ tag: TAG_EXAMPLE, ...COUNTS_EXAMPLE }],
  complete: true,
};

export function statisticsResponse(results: readonly Result<IntervalStatistics>[]): StatisticsResponse {
  const items = results.map(({ value, isComplete }) => {
    const { fromMs, toMs, ...counts } = value;
    return { from: rfc3339(fromMs), to: rfc3339(toMs), ...counts, complete: isComplete };
  });
  return { items, complete: items.every(({ complete }) => complete) };
}

export function tagStatisticsResponse(
  { value, isComplete }: Result<readonly TagStatistics[]>,
  limit: number,
): TagStatisticsResponse {
  const items = value.slice(0, limit).map(({ fromMs: _from, toMs: _to, ...item }) => item);
  return { items, complete: isComplete };
}
