// What REST and the stream tell of a change.
import { ApiProperty, ApiPropertyOptional } from '../platform/openapi-decorators.js';
import { rfc3339 } from '../platform/rfc3339.js';
import { POSITION_EXAMPLE } from '../presence/answers.js';
import { CHANGE_TYPES, type Change, type ChangeType } from '../presence/domain/change.js';
import { GONE_CAUSES, type GoneCause } from '../presence/domain/connection.js';
import { PRESENCE_STATES, type PresenceState } from '../presence/domain/presence-view.js';

const TIME = '2021-08-12T16:37:14.676Z';

export class ChangeAnswer {
  @ApiProperty({ enum: CHANGE_TYPES, description: '`updated`: the same state, but its tag, cause or another detail.' })
  type: ChangeType;

  @ApiProperty({ example: '473f6544-92f7-4d67-9e77-bf2533cfff6d' })
  participantId: string;

  @ApiPropertyOptional({
    example: 'be199214-1a03-402a-a7b6-d002470a0465',
    description: 'In the changes of a device: which one.',
  })
  deviceId?: string;

  @ApiProperty({ example: 'bandwidth' })
  source: string;

  @ApiPropertyOptional({ example: 'hello-world-phone' })
  tag?: string;

  @ApiPropertyOptional({ description: 'When the participant has another tag now: the one before.' })
  previousTag?: string;

  @ApiProperty({ enum: PRESENCE_STATES })
  state: PresenceState;

  @ApiProperty({ type: String, enum: PRESENCE_STATES, nullable: true, description: 'null: never heard of before.' })
  previousState: PresenceState | null;

  @ApiPropertyOptional({ enum: GONE_CAUSES, description: 'When gone.' })
  cause?: GoneCause;

  @ApiProperty({ format: 'date-time', example: TIME, description: 'As in the answers about participants.' })
  since: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: TIME,
    description: 'The provider’s time of the event that brought it about; null when time passing, or an operator, did.',
  })
  at: string | null;

  @ApiProperty({ format: 'date-time', example: TIME, description: 'When that was heard, or noticed, by our clock.' })
  heardAt: string;

  @ApiProperty({
    type: 'integer',
    example: 1795434306501,
    description: 'Of the participant; the same for all of one commit.',
  })
  version: number;

  @ApiProperty({ example: POSITION_EXAMPLE, description: 'Where to go on after this change.' })
  position: string;
}

export class ChangesAnswer {
  @ApiProperty({ type: [ChangeAnswer] })
  items: ChangeAnswer[];

  @ApiProperty({ example: POSITION_EXAMPLE, description: 'Where to continue, also when there are no items.' })
  position: string;
}

export function changeAnswer(change: Change, position: string): ChangeAnswer {
  const { type, participantId, deviceId, source, tag, previousTag, state, previousState, cause } = change;
  return {
    type,
    participantId,
    ...(deviceId !== undefined && { deviceId }),
    source,
    ...(tag !== undefined && { tag }),
    ...(previousTag !== undefined && { previousTag }),
    state,
    previousState,
    ...(cause && { cause }),
    since: rfc3339(change.sinceMs),
    at: change.atMs === null ? null : rfc3339(change.atMs),
    heardAt: rfc3339(change.heardAtMs),
    version: change.version,
    position,
  };
}
