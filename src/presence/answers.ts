// What REST answers look like: times in RFC 3339 with milliseconds, UTC.
import { ApiExtraModels, ApiProperty, ApiPropertyOptional } from '../platform/openapi-decorators.js';
import { rfc3339 } from '../platform/rfc3339.js';
import { GONE_CAUSES, type GoneCause } from './domain/connection.js';
import type { ParticipantRecord } from './domain/participant.js';
import { type DeviceView, PRESENCE_STATES, type PresenceState } from './domain/presence-view.js';
import type { Occupancy } from './presence-store.js';

export const POSITION_EXAMPLE = '9f3ac21b77d0.1790000000000-0';
const TIME = '2021-08-12T16:37:14.676Z';

const State = () => ApiProperty({ enum: PRESENCE_STATES, example: 'connected' });
const Since = () =>
  ApiProperty({
    format: 'date-time',
    example: TIME,
    description:
      'By the provider’s clock. Gone: when it ended. A reconnecting device: when it was lost. ' +
      'Else when the present, uninterrupted presence began.',
  });
const Until = () =>
  ApiPropertyOptional({
    format: 'date-time',
    example: TIME,
    description: 'When reconnecting: it is gone at this time if nothing is heard.',
  });
const Cause = () =>
  ApiPropertyOptional({
    enum: GONE_CAUSES,
    description:
      'When gone: asked for (left), lost and not back within grace (lost), no end ever received (expired), or ended by an operator (ended).',
  });
const AsOf = () =>
  ApiProperty({
    format: 'date-time',
    example: TIME,
    description: 'All that was acknowledged before this is in the answer.',
  });
const Position = () =>
  ApiProperty({
    example: POSITION_EXAMPLE,
    description:
      'Where the change feed was before the first page was read: follow it from here, and nothing is missed.',
  });
const NextCursor = () => ApiPropertyOptional({ description: 'Asks for the next page; absent on the last one.' });

export class DeviceAnswer {
  @ApiProperty({ example: 'be199214-1a03-402a-a7b6-d002470a0465' })
  deviceId: string;

  @State()
  state: PresenceState;

  @Since()
  since: string;

  @Until()
  until?: string | undefined;

  @Cause()
  cause?: GoneCause | undefined;

  @ApiProperty({
    type: String,
    nullable: true,
    format: 'date-time',
    example: TIME,
    description: 'null when the connect was never heard.',
  })
  connectedAt: string | null;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Losses shorter than the grace period within this connection.',
  })
  interruptions: number;
}

export class ParticipantAnswer {
  @ApiProperty({ example: '473f6544-92f7-4d67-9e77-bf2533cfff6d' })
  participantId: string;

  @ApiProperty({ example: 'bandwidth' })
  source: string;

  @State()
  state: PresenceState;

  @Since()
  since: string;

  @Until()
  until?: string | undefined;

  @Cause()
  cause?: GoneCause | undefined;

  @ApiPropertyOptional({ example: 'hello-world-phone', description: 'The newest non-empty tag heard.' })
  tag?: string | undefined;

  @ApiProperty({ type: [DeviceAnswer], description: 'Strongest state first.' })
  devices: DeviceAnswer[];

  @ApiProperty({ format: 'date-time', example: TIME })
  lastEventAt: string;

  @ApiProperty({
    type: 'integer',
    example: 1795434306501,
    description: 'Grows with every visible change, also when the participant was forgotten in between.',
  })
  version: number;
}

export class UnknownParticipantAnswer {
  @ApiProperty()
  participantId: string;

  @ApiProperty({ enum: ['unknown'] })
  state: 'unknown';
}

export class ParticipantsAnswer {
  @ApiProperty({ type: [ParticipantAnswer] })
  items: ParticipantAnswer[];

  @ApiPropertyOptional({
    type: [String],
    description: 'Participants that are missing from `items` because their stored record cannot be read.',
  })
  unreadable?: string[];

  @NextCursor()
  nextCursor?: string;

  @Position()
  position: string;

  @AsOf()
  asOf: string;
}

const schemaOf = ({ name }: { name: string }) => ({ $ref: `#/components/schemas/${name}` });

@ApiExtraModels(UnknownParticipantAnswer)
export class LookupAnswer {
  @ApiProperty({
    type: 'array',
    description: 'In the order asked.',
    items: { oneOf: [ParticipantAnswer, UnknownParticipantAnswer].map(schemaOf) },
  })
  items: (ParticipantAnswer | UnknownParticipantAnswer)[];

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

export class OccupancyAnswer implements Occupancy {
  @Connected()
  connected: number;

  @Reconnecting()
  reconnecting: number;

  @Devices()
  devices: number;

  @AsOf()
  asOf: string;
}

export class TagAnswer implements Occupancy {
  @ApiProperty({ example: 'hello-world-phone' })
  tag: string;

  @Connected()
  connected: number;

  @Reconnecting()
  reconnecting: number;

  @Devices()
  devices: number;
}

export class TagsAnswer {
  @ApiProperty({ type: [TagAnswer] })
  items: TagAnswer[];

  @NextCursor()
  nextCursor?: string;

  @Position()
  position: string;

  @AsOf()
  asOf: string;
}

export function participantAnswer(record: ParticipantRecord): ParticipantAnswer {
  const { participantId, source, announced, tag, lastEventAtMs, version } = record;
  const { state, sinceMs, untilMs, cause, devices } = announced;
  return {
    participantId,
    source,
    state,
    since: rfc3339(sinceMs),
    until: optionalTime(untilMs),
    cause,
    tag: tag?.value,
    devices: devices.map(deviceAnswer),
    lastEventAt: rfc3339(lastEventAtMs),
    version,
  };
}

function deviceAnswer(view: DeviceView): DeviceAnswer {
  const { deviceId, state, sinceMs, untilMs, cause, connectedAtMs, interruptions } = view;
  return {
    deviceId,
    state,
    since: rfc3339(sinceMs),
    until: optionalTime(untilMs),
    cause,
    connectedAt: connectedAtMs === null ? null : rfc3339(connectedAtMs),
    interruptions,
  };
}

function optionalTime(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : rfc3339(timeMs);
}
