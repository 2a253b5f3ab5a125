import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { ObservedSource } from '../../sources/registry.js';
import { driftRatio, type Poll, type SourceState } from '../source-state.js';

class PollResponse {
  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  startedAt: string;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  endedAt: string;

  @ApiProperty({ enum: ['complete', 'failed'], example: 'complete', description: 'One that failed changes nothing.' })
  outcome: string;

  @ApiPropertyOptional({ type: String, example: 'answered with status 429', description: 'Only of one that failed.' })
  reason?: string;
}

class DriftResponse {
  @ApiProperty({ type: 'integer', example: 120, description: 'Participants that were connected here.' })
  connected: number;

  @ApiProperty({ type: 'integer', example: 120, description: 'Participants on the list.' })
  listed: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'Connected here, but not on the list.' })
  absent: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'On the list, but not connected here.' })
  missing: number;

  @ApiProperty({
    type: Number,
    example: 1.65,
    description: 'How many of all these participants were wrong, in percent.',
  })
  percent: number;
}

class CorrectionsResponse {
  @ApiProperty({ type: 'integer', example: 3, description: 'Participants whose connect had not been received.' })
  added: number;

  @ApiProperty({ type: 'integer', example: 2, description: 'Participants whose end had not been received.' })
  removed: number;
}

class FuseResponse {
  @ApiProperty({
    type: Boolean,
    example: false,
    description: 'Whether the last list lacked too many participants, and is not believed until the next one agrees.',
  })
  isTripped: boolean;

  @ApiProperty({ type: 'integer', example: 1, description: 'How often it has tripped.' })
  trips: number;

  @ApiProperty({ type: 'integer', example: 64, description: 'Absences that were not believed, when it tripped last.' })
  absences: number;
}

class SourceReconciliationResponse {
  @ApiProperty({ type: String, example: 'brtc' })
  source: string;

  @ApiProperty({
    enum: ['on', 'off', 'not-configured', 'not-supported'],
    example: 'on',
    description:
      '`off`: RECONCILE_MS is 0. `not-configured`: the settings in `missingSettings` are not set. `not-supported`: the API of the ' +
      'provider does not say who is present, or this version does not ask it.',
  })
  status: string;

  @ApiPropertyOptional({ type: [String], example: ['SOURCE_BRTC_ACCOUNT_ID', 'SOURCE_BRTC_API_CREDENTIALS'] })
  missingSettings?: string[];

  @ApiPropertyOptional({
    type: 'integer',
    example: 60_000,
    description:
      'Between two polls. Absent if the provider has no list, and is only asked about participants in doubt.',
  })
  intervalMs?: number;

  @ApiPropertyOptional({ type: PollResponse })
  lastPoll?: PollResponse;

  @ApiPropertyOptional({ type: String, format: 'date-time', example: TIME_EXAMPLE })
  lastCompletePollAt?: string;

  @ApiPropertyOptional({ type: 'integer', example: 0, description: 'Polls that failed since the last complete one.' })
  failures?: number;

  @ApiPropertyOptional({ type: DriftResponse, description: 'Found by the last complete poll.' })
  drift?: DriftResponse;

  @ApiPropertyOptional({ type: CorrectionsResponse })
  corrections?: CorrectionsResponse;

  @ApiPropertyOptional({ type: FuseResponse })
  fuse?: FuseResponse;
}

export class ReconciliationResponse {
  @ApiProperty({ type: [SourceReconciliationResponse], description: 'In the order of SOURCES.' })
  items: SourceReconciliationResponse[];
}

interface Reconciled {
  readonly name: string;
  readonly needs: readonly string[] | undefined;
  readonly intervalMs: number;
  readonly source: ObservedSource | undefined;
  readonly state: SourceState;
}

export function responseOf({ name, needs, intervalMs, source, state }: Reconciled): SourceReconciliationResponse {
  if (!source) {
    if (!needs) return { source: name, status: 'not-supported' };
    return { source: name, status: 'not-configured', missingSettings: [...needs] };
  }
  if (intervalMs === 0) return { source: name, status: 'off' };
  const { corrections } = state;
  if (!source.observer.list) return { source: name, status: 'on', corrections };
  const { lastPoll, lastCompletePollAtMs, failures, drift, fuse } = state;
  return {
    source: name,
    status: 'on',
    intervalMs,
    ...(lastPoll && { lastPoll: pollOf(lastPoll) }),
    ...(lastCompletePollAtMs !== undefined && { lastCompletePollAt: rfc3339(lastCompletePollAtMs) }),
    failures,
    ...(drift && { drift: { ...drift, percent: Math.round(driftRatio(drift) * 10_000) / 100 } }),
    corrections,
    fuse,
  };
}

function pollOf({ startedAtMs, endedAtMs, outcome, reason }: Poll): PollResponse {
  const times = { startedAt: rfc3339(startedAtMs), endedAt: rfc3339(endedAtMs) };
  return { ...times, outcome, ...(reason !== undefined && { reason }) };
}

export const EXAMPLE: ReconciliationResponse = {
  items: [
    {
      source: 'brtc',
      status: 'on',
      intervalMs: 60_000,
      lastPoll: { startedAt: TIME_EXAMPLE, endedAt: TIME_EXAMPLE, outcome: 'complete' },
      lastCompletePollAt: TIME_EXAMPLE,
      failures: 0,
      drift: { connected: 120, listed: 120, absent: 1, missing: 1, percent: 1.65 },
      corrections: { added: 3, removed: 2 },
      fuse: { isTripped: false, trips: 1, absences: 64 },
    },
    {
      source: 'livekit',
      status: 'not-configured',
      missingSettings: ['SOURCE_LIVEKIT_API_URL'],
    },
  ],
};
