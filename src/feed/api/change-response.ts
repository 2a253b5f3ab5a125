// A change as returned by REST and the stream.

import { KNOWN_AVAILABILITIES, type KnownAvailability } from '../../domain/availability.js';
import { CHANGE_TYPES, type Change, type ChangeType } from '../../domain/change.js';
import { GONE_CAUSES, type GoneCause } from '../../domain/connection.js';
import type { DeviceConnection, PastConnection } from '../../domain/device-connections.js';
import type { Labels } from '../../domain/labels.js';
import { PARTICIPANT_STATES, type ParticipantState } from '../../domain/presence-view.js';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import {
  DEVICE_ID_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  POSITION_EXAMPLE,
  TAG_EXAMPLE,
  TIME_EXAMPLE,
} from '../../http/openapi/examples.js';
import {
  AvailableSinceProperty,
  DoubtfulProperty,
  LabelsProperty,
  ParticipantRefProperty,
  ScopeProperty,
} from '../../http/query-parameters.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { RECEIVED_AT_EXAMPLE } from './change-examples.js';

export class EndedConnectionResponse {
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: TIME_EXAMPLE })
  connectedAt: string | null;

  @ApiProperty({ format: 'date-time', example: RECEIVED_AT_EXAMPLE })
  endedAt: string;

  @ApiProperty({ type: String, enum: GONE_CAUSES, example: 'left' })
  cause: GoneCause;

  @ApiProperty({ type: 'integer', example: 0 })
  interruptions: number;
}

export class ChangeResponse {
  @ApiProperty({
    enum: CHANGE_TYPES,
    example: 'participant.connected',
    description:
      '`updated`: the state is the same, but the tag, `participantRef`, the labels, the availability or another detail has changed.',
  })
  type: ChangeType;

  @ApiProperty({ example: PARTICIPANT_ID_EXAMPLE })
  participantId: string;

  @ApiPropertyOptional({
    type: String,
    example: DEVICE_ID_EXAMPLE,
    description: 'Only in `device.*` changes: the device.',
  })
  deviceId?: string;

  @ApiProperty({ example: 'bandwidth' })
  source: string;

  @ScopeProperty()
  scope?: string;

  @ApiPropertyOptional({ type: String, example: TAG_EXAMPLE })
  tag?: string;

  @ApiPropertyOptional({
    type: String,
    example: 'hello-world-browser',
    description: 'Only if this change replaced the tag of the participant: the previous tag.',
  })
  previousTag?: string;

  @ParticipantRefProperty()
  participantRef?: string;

  @LabelsProperty('The labels of the participant; absent if it has none.')
  labels?: Labels;

  @LabelsProperty('Only if this change replaced labels of the participant: the previous ones.')
  previousLabels?: Labels;

  @ApiProperty({ enum: PARTICIPANT_STATES, example: 'connected', description: 'Only a participant is `expected`.' })
  state: ParticipantState;

  @ApiProperty({
    type: String,
    enum: PARTICIPANT_STATES,
    nullable: true,
    example: 'reconnecting',
    description: 'null if the participant or device was not known before.',
  })
  previousState: ParticipantState | null;

  @ApiPropertyOptional({
    type: String,
    enum: GONE_CAUSES,
    example: 'left',
    description: 'Only if gone; as in ParticipantResponse.',
  })
  cause?: GoneCause;

  @DoubtfulProperty()
  doubtful?: true;

  @ApiPropertyOptional({
    type: String,
    enum: KNOWN_AVAILABILITIES,
    example: 'available',
    description: 'Only in `participant.*` changes, and only if it is known: absent for `unknown`.',
  })
  availability?: KnownAvailability;

  @AvailableSinceProperty()
  availableSince?: string;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE, description: 'As in ParticipantResponse.' })
  since: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    nullable: true,
    example: TIME_EXAMPLE,
    description: 'Only in `device.*` changes: when the connection began; null if no connect event was received.',
  })
  connectedAt?: string | null;

  @ApiPropertyOptional({
    type: 'integer',
    example: 0,
    description:
      'Only in `device.*` changes: how many times the connection was lost and resumed within the grace period.',
  })
  interruptions?: number;

  @ApiPropertyOptional({
    type: [EndedConnectionResponse],
    description:
      'Only in `device.*` changes: earlier connections of the device whose end was not announced before, or which a late ' +
      'event has changed.',
  })
  earlierConnections?: EndedConnectionResponse[];

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: TIME_EXAMPLE,
    description:
      'Provider time of the event that caused the change; null if elapsed time, an operator or an answer of the provider’s API caused it.',
  })
  at: string | null;

  @ApiProperty({
    format: 'date-time',
    example: RECEIVED_AT_EXAMPLE,
    description:
      'When Rollcall received the event, the operator’s request or the provider’s answer that caused the change, or ' +
      'processed the deadline that did.',
  })
  receivedAt: string;

  @ApiProperty({
    format: 'date-time',
    example: RECEIVED_AT_EXAMPLE,
    deprecated: true,
    description: 'A deprecated alias of `receivedAt`.',
  })
  heardAt: string;

  @ApiProperty({
    type: 'integer',
    example: 1795434306501,
    description: 'The version of the participant; all changes of one commit have the same one.',
  })
  version: number;

  @ApiProperty({
    example: POSITION_EXAMPLE,
    description: 'The position of this change. Pass it as `after` to get the changes that follow.',
  })
  position: string;
}

export class ChangesResponse {
  @ApiProperty({ type: [ChangeResponse] })
  items: ChangeResponse[];

  @ApiProperty({ example: POSITION_EXAMPLE, description: 'Continue after this position, even if `items` is empty.' })
  position: string;
}

export function changeResponse(change: Change, position: string): ChangeResponse {
  const { type, subject, deviceId, tag, previousTag, participantRef, labels, previousLabels } = change;
  const { state, previousState, cause, availability } = change;
  return {
    type,
    participantId: subject.participantId,
    ...(deviceId !== undefined && { deviceId }),
    source: subject.source,
    ...(subject.scope !== '' && { scope: subject.scope }),
    ...(tag !== undefined && { tag }),
    ...(previousTag !== undefined && { previousTag }),
    ...(participantRef !== undefined && { participantRef }),
    ...(labels && { labels }),
    ...(previousLabels && { previousLabels }),
    state,
    previousState,
    ...(cause && { cause }),
    ...(change.isDoubtful && { doubtful: true }),
    ...(availability && { availability: availability.value }),
    ...(availability?.value === 'available' && { availableSince: rfc3339(availability.sinceMs) }),
    since: rfc3339(change.sinceMs),
    ...(change.connection && connectionMembers(change.connection)),
    at: change.occurredAtMs === null ? null : rfc3339(change.occurredAtMs),
    receivedAt: rfc3339(change.receivedAtMs),
    heardAt: rfc3339(change.receivedAtMs),
    version: change.version,
    position,
  };
}

function connectionMembers({ connectedAtMs, interruptions, correction }: DeviceConnection): Partial<ChangeResponse> {
  return {
    connectedAt: connectedAtMs === null ? null : rfc3339(connectedAtMs),
    interruptions,
    ...(correction && { earlierConnections: correction.connections.map(endedConnectionResponse) }),
  };
}

function endedConnectionResponse(connection: PastConnection): EndedConnectionResponse {
  const { connectedAtMs, endedAtMs, cause, interruptions } = connection;
  const connectedAt = connectedAtMs === null ? null : rfc3339(connectedAtMs);
  return { connectedAt, endedAt: rfc3339(endedAtMs), cause, interruptions };
}
