// REST responses. Times are RFC 3339 with milliseconds, in UTC.
import { AVAILABILITIES, type Availability, type CurrentAvailability } from '../../domain/availability.js';
import { GONE_CAUSES, type GoneCause } from '../../domain/connection.js';
import { type Labels, labelsOf, NO_LABELS } from '../../domain/labels.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import {
  type DeviceView,
  PARTICIPANT_STATES,
  type ParticipantState,
  PRESENCE_STATES,
  type PresenceState,
} from '../../domain/presence-view.js';
import type { Subject } from '../../domain/subject.js';
import { ApiExtraModels, ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import {
  CURSOR_EXAMPLE,
  DEVICE_ID_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  POSITION_EXAMPLE,
  TAG_EXAMPLE,
  TAGS_CURSOR_EXAMPLE,
  TIME_EXAMPLE,
  UNKNOWN_PARTICIPANT_ID_EXAMPLE,
} from '../../http/openapi/examples.js';
import {
  AvailableSinceProperty,
  DoubtfulProperty,
  LabelsProperty,
  ParticipantRefProperty,
  ScopeProperty,
} from '../../http/query-parameters.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { Occupancy } from '../../storage/ports.js';

const State = (states: readonly ParticipantState[]) => ApiProperty({ enum: [...states], example: 'connected' });
const Since = () =>
  ApiProperty({
    format: 'date-time',
    example: TIME_EXAMPLE,
    description:
      'Provider time. If gone: when presence ended. For a reconnecting device: when it was lost. If expected: when it was ' +
      'announced, by Rollcall’s clock. Otherwise: when the current uninterrupted presence started.',
  });
const Until = () =>
  ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: '2021-08-12T16:38:29.676Z',
    description: 'Only if reconnecting: the time at which it becomes gone if no event arrives.',
  });
const Cause = () =>
  ApiPropertyOptional({
    type: String,
    enum: GONE_CAUSES,
    example: 'left',
    description:
      'Only if gone. `left`: the device left. `lost`: its signalling was lost and it did not return within the grace ' +
      'period. `superseded`: another device of the participant connected, where it has one at a time. `reconciled`: the ' +
      'provider’s API no longer listed it. `expired`: nothing ended the connection within MAX_CONNECTION_MS after its last ' +
      'connect was received. `ended`: an operator ended it.',
  });
const AsOf = () =>
  ApiProperty({
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'Every callback acknowledged before this time is reflected in the response.',
  });
const Position = () =>
  ApiProperty({
    example: POSITION_EXAMPLE,
    description:
      'The position of the change feed before the first page was read. Follow the feed from here to miss no changes.',
  });
const NextCursor = (example: string) =>
  ApiPropertyOptional({ type: String, example, description: 'Requests the next page; absent on the last page.' });

export class DeviceResponse {
  @ApiProperty({ example: DEVICE_ID_EXAMPLE })
  deviceId: string;

  @State(PRESENCE_STATES)
  state: PresenceState;

  @Since()
  since: string;

  @Until()
  until?: string | undefined;

  @Cause()
  cause?: GoneCause | undefined;

  @DoubtfulProperty()
  doubtful?: true | undefined;

  @ApiProperty({
    type: String,
    nullable: true,
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'null if no connect event was received.',
  })
  connectedAt: string | null;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'How often the connection was lost and resumed within the grace period.',
  })
  interruptions: number;
}

export class ParticipantResponse {
  @ApiProperty({ example: PARTICIPANT_ID_EXAMPLE })
  participantId: string;

  @ApiProperty({ example: 'bandwidth' })
  source: string;

  @ScopeProperty()
  scope?: string | undefined;

  @State(PARTICIPANT_STATES)
  state: ParticipantState;

  @Since()
  since: string;

  @Until()
  until?: string | undefined;

  @Cause()
  cause?: GoneCause | undefined;

  @DoubtfulProperty()
  doubtful?: true | undefined;

  @ApiPropertyOptional({ type: String, example: TAG_EXAMPLE, description: 'The newest non-empty tag received.' })
  tag?: string | undefined;

  @ParticipantRefProperty()
  participantRef?: string | undefined;

  @LabelsProperty('The labels of the participant; absent if it has none.')
  labels?: Labels | undefined;

  @ApiProperty({
    enum: AVAILABILITIES,
    example: 'available',
    description:
      'Whether it can be given work, as the provider reports or a backend has set. Always `unknown` unless it is connected.',
  })
  availability: Availability;

  @AvailableSinceProperty()
  availableSince?: string | undefined;

  @ApiProperty({ type: [DeviceResponse], description: 'By state: connected, reconnecting, gone; then by `since`.' })
  devices: DeviceResponse[];

  @ApiProperty({
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'Provider time of the newest event. If expected: when its labels were set.',
  })
  lastEventAt: string;

  @ApiProperty({
    type: 'integer',
    example: 1795434306501,
    description: 'Grows with every visible change, even if the participant was deleted in between.',
  })
  version: number;
}

export class UnknownParticipantResponse {
  @ApiProperty({ example: UNKNOWN_PARTICIPANT_ID_EXAMPLE })
  participantId: string;

  @ApiProperty({ example: 'bandwidth' })
  source: string;

  @ScopeProperty()
  scope?: string | undefined;

  @ApiProperty({ enum: ['unknown'], example: 'unknown' })
  state: 'unknown';
}

export class ParticipantsResponse {
  @ApiProperty({ type: [ParticipantResponse] })
  items: ParticipantResponse[];

  @ApiPropertyOptional({
    type: [String],
    example: ['473f6544-92f7-4d67-9e77-bf2533cfff6d'],
    description: 'Participants that are missing from `items` because their stored record cannot be read.',
  })
  unreadable?: string[];

  @NextCursor(CURSOR_EXAMPLE)
  nextCursor?: string;

  @Position()
  position: string;

  @AsOf()
  asOf: string;
}

const schemaOf = ({ name }: { name: string }) => ({ $ref: `#/components/schemas/${name}` });

@ApiExtraModels(UnknownParticipantResponse)
export class LookupResponse {
  @ApiProperty({
    type: 'array',
    description: 'In the order of the request.',
    items: { oneOf: [ParticipantResponse, UnknownParticipantResponse].map(schemaOf) },
  })
  items: (ParticipantResponse | UnknownParticipantResponse)[];

  @ApiPropertyOptional({
    type: [String],
    description: 'Participants that are `unknown` in `items` because their stored record cannot be read.',
  })
  unreadable?: string[];

  @AsOf()
  asOf: string;
}

const Connected = () => ApiProperty({ type: 'integer', example: 2, description: 'Participants connected.' });
const Reconnecting = () => ApiProperty({ type: 'integer', example: 1, description: 'Participants reconnecting.' });
const Devices = () => ApiProperty({ type: 'integer', example: 3, description: 'Devices connected or reconnecting.' });
const Available = () =>
  ApiProperty({ type: 'integer', example: 1, description: 'Connected participants that are available.' });
const Busy = () => ApiProperty({ type: 'integer', example: 1, description: 'Connected participants that are busy.' });

export class OccupancyResponse implements Occupancy {
  @Connected()
  connected: number;

  @Reconnecting()
  reconnecting: number;

  @Devices()
  devices: number;

  @Available()
  available: number;

  @Busy()
  busy: number;

  @AsOf()
  asOf: string;
}

export class TagResponse implements Occupancy {
  @ApiProperty({ example: TAG_EXAMPLE })
  tag: string;

  @Connected()
  connected: number;

  @Reconnecting()
  reconnecting: number;

  @Devices()
  devices: number;

  @Available()
  available: number;

  @Busy()
  busy: number;
}

export class TagsResponse {
  @ApiProperty({ type: [TagResponse] })
  items: TagResponse[];

  @NextCursor(TAGS_CURSOR_EXAMPLE)
  nextCursor?: string;

  @Position()
  position: string;

  @AsOf()
  asOf: string;
}

export function participantResponse(record: ParticipantRecord): ParticipantResponse {
  const { subject, announced, tag, participantRef, lastEventAtMs, version } = record;
  const labels = labelsOf(record.labels);
  const { state, sinceMs, untilMs, cause, isDoubtful, devices, availability } = announced;
  return {
    ...subjectMembers(subject),
    state,
    since: rfc3339(sinceMs),
    until: optionalTime(untilMs),
    cause,
    doubtful: isDoubtful || undefined,
    tag: tag?.value,
    participantRef: participantRef?.value,
    labels: labels === NO_LABELS ? undefined : labels,
    availability: availability?.value ?? 'unknown',
    availableSince: availableSince(availability),
    devices: devices.map(deviceResponse),
    lastEventAt: rfc3339(lastEventAtMs),
    version,
  };
}

export function subjectMembers({ participantId, source, scope }: Subject) {
  return scope === '' ? { participantId, source } : { participantId, source, scope };
}

export function deviceResponse(view: DeviceView): DeviceResponse {
  const { deviceId, state, sinceMs, untilMs, cause, isDoubtful, connectedAtMs, interruptions } = view;
  return {
    deviceId,
    state,
    since: rfc3339(sinceMs),
    until: optionalTime(untilMs),
    cause,
    doubtful: isDoubtful || undefined,
    connectedAt: connectedAtMs === null ? null : rfc3339(connectedAtMs),
    interruptions,
  };
}

export function optionalTime(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : rfc3339(timeMs);
}

function availableSince(availability: CurrentAvailability | undefined): string | undefined {
  return availability?.value === 'available' ? rfc3339(availability.sinceMs) : undefined;
}
