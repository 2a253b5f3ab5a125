// The schemas of an explanation. Members that do not apply are absent.
import { AVAILABILITIES, type Availability } from '../../domain/availability.js';
import { GONE_CAUSES, type GoneCause } from '../../domain/connection.js';
import type { KeptEvent } from '../../domain/lifecycle-event.js';
import type { PresencePolicy } from '../../domain/policy.js';
import { PRESENCE_STATES, type PresenceState } from '../../domain/presence-view.js';
import { RULES, type Rule } from '../../domain/rules.js';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { DEVICE_ID_EXAMPLE, TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { DeviceResponse, ParticipantResponse } from './responses.js';

const EVENT_KINDS = [
  'connected',
  'disconnected',
  'left',
  'participant-disconnected',
  'participant-left',
  'ended',
  'seen',
  'unseen',
  'available',
  'busy',
  'set-available',
  'set-busy',
  'set-unknown',
] as const satisfies readonly KeptEvent['kind'][];

const RULE_NAMES = Object.keys(RULES) as Rule[];
const RECEIVED_EXAMPLE = '2026-11-23T09:30:00.020Z';
const DUE_EXAMPLE = '2026-11-23T18:30:00.021Z';

const RuleName = (example: Rule = 'opened') =>
  ApiProperty({ enum: RULE_NAMES, example, description: 'The stable name of the rule that applied.' });
const Meaning = (rule: Rule = 'opened') =>
  ApiProperty({ example: RULES[rule], description: 'The rule in one sentence.' });
const Time = (example: string, description: string) => ApiProperty({ format: 'date-time', example, description });
const OptionalTime = (example: string, description: string) =>
  ApiPropertyOptional({ type: String, format: 'date-time', example, description });

export class ExplainedEventResponse {
  @ApiProperty({
    enum: EVENT_KINDS,
    example: 'connected',
    description:
      'What was received. `participant-…`: an end of all devices, such as the end of the room. `ended`, `set-…`: by an ' +
      'operator. `seen`, `unseen`: whether the provider listed the device.',
  })
  kind: KeptEvent['kind'];

  @Time(TIME_EXAMPLE, 'Provider time; of an operator’s end, that of the event after which it counts.')
  occurredAt: string;

  @Time(RECEIVED_EXAMPLE, 'When it was first received.')
  receivedAt: string;

  @ApiProperty({
    type: 'integer',
    example: 166639965344,
    description: '`receivedAt` − `occurredAt`. Negative if the clock of the provider is ahead.',
  })
  delayMs: number;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'How many of the events that count later were received earlier.',
  })
  overtakenBy: number;

  @OptionalTime(TIME_EXAMPLE, 'The time by which it is ordered, if the clock of the provider is too far ahead.')
  countsAs?: string | undefined;

  @ApiPropertyOptional({ type: String, example: 'EV_eugWmGhovZmm', description: 'The provider’s id of the event.' })
  eventId?: string | undefined;

  @ApiPropertyOptional({ type: 'integer', example: 7, description: 'The provider’s sequence number.' })
  sequence?: number | undefined;

  @OptionalTime(RECEIVED_EXAMPLE, 'Only of `seen` and `unseen`: when the provider was asked.')
  askedAt?: string | undefined;

  @OptionalTime(DUE_EXAMPLE, 'Only of an availability: when it ends.')
  until?: string | undefined;
}

export class SupersedingConnectResponse {
  @ApiPropertyOptional({
    type: String,
    example: DEVICE_ID_EXAMPLE,
    description: 'The newer device; absent if the event is no longer kept.',
  })
  deviceId?: string | undefined;

  @Time(TIME_EXAMPLE, 'Provider time of its connect.')
  occurredAt: string;

  @Time(RECEIVED_EXAMPLE, 'When that was received.')
  receivedAt: string;
}

export class EarlierConnectionResponse {
  @ApiProperty({ enum: GONE_CAUSES, example: 'lost' })
  cause: GoneCause;

  @Time(TIME_EXAMPLE, 'Provider time of its end.')
  endedAt: string;
}

export class ExplainedStepResponse {
  @RuleName()
  rule: Rule;

  @Meaning()
  meaning: string;

  @ApiPropertyOptional({ type: ExplainedEventResponse, description: 'The event that was received.' })
  event?: ExplainedEventResponse | undefined;

  @ApiPropertyOptional({
    type: Boolean,
    enum: [true],
    example: true,
    description: '`true` if it counts before an end with an earlier time that belongs to it, because clocks differ.',
  })
  movedAhead?: true | undefined;

  @ApiPropertyOptional({ type: SupersedingConnectResponse, description: 'Not an event, but a newer device.' })
  supersededBy?: SupersedingConnectResponse | undefined;

  @OptionalTime(DUE_EXAMPLE, 'Not an event, but time: since when, on Rollcall’s clock.')
  dueAt?: string | undefined;

  @ApiPropertyOptional({
    type: EarlierConnectionResponse,
    description: 'Only if a new connection began after another: the end of that one.',
  })
  previous?: EarlierConnectionResponse | undefined;

  @ApiPropertyOptional({
    enum: PRESENCE_STATES,
    example: 'connected',
    description: 'The state of the device after this step; absent as long as nothing is known of it.',
  })
  state?: PresenceState | undefined;
}

export class SummedUpResponse {
  @Time(TIME_EXAMPLE, 'Provider time of the newest event that is no longer kept.')
  upTo: string;

  @ApiProperty({ enum: PRESENCE_STATES, example: 'connected', description: 'The state of the device after it.' })
  state: PresenceState;

  @OptionalTime(TIME_EXAMPLE, 'The start of that connection, if it is known.')
  connectedAt?: string | undefined;

  @ApiProperty({ type: 'integer', example: 8 })
  interruptions: number;
}

export class NextChangeResponse {
  @Time(DUE_EXAMPLE, 'On Rollcall’s clock.')
  at: string;

  @RuleName('expired')
  rule: Rule;

  @Meaning('expired')
  meaning: string;

  @ApiPropertyOptional({ type: String, example: DEVICE_ID_EXAMPLE, description: 'The device that changes.' })
  deviceId?: string | undefined;
}

export class ExplainedDeviceResponse {
  @ApiPropertyOptional({
    type: SummedUpResponse,
    description: 'What the events that are no longer kept one by one led to: the newest 16 are kept.',
  })
  earlier?: SummedUpResponse | undefined;

  @ApiProperty({ type: [ExplainedStepResponse], description: 'In the order in which they count.' })
  steps: ExplainedStepResponse[];

  @ApiProperty({ type: DeviceResponse, description: 'What the steps lead to.' })
  result: DeviceResponse;

  @ApiPropertyOptional({ type: 'integer', example: 1, description: 'Only if connected: how many sockets it has.' })
  sockets?: number | undefined;

  @OptionalTime(TIME_EXAMPLE, 'Only if doubtful: provider time of the event that caused the doubt.')
  doubtfulSince?: string | undefined;

  @ApiProperty({ type: NextChangeResponse, description: 'What changes next if nothing is received.' })
  next: NextChangeResponse;
}

export class ExplainedAvailabilityResponse {
  @RuleName('availability-set')
  rule: Rule;

  @Meaning('availability-set')
  meaning: string;

  @ApiProperty({ type: ExplainedEventResponse })
  event: ExplainedEventResponse;

  @ApiProperty({ enum: AVAILABILITIES, example: 'available', description: 'The availability after this step.' })
  availability: Availability;

  @OptionalTime(TIME_EXAMPLE, 'Since when; absent if it is unknown.')
  since?: string | undefined;
}

/** The settings of docs/rules.md, in milliseconds. */
export class PolicyResponse implements PresencePolicy {
  @ApiProperty({ type: 'integer', example: 15_000 })
  graceMs: number;

  @ApiProperty({ type: 'integer', example: 0 })
  leaveGraceMs: number;

  @ApiProperty({ type: 'integer', example: 60_000 })
  overlapMs: number;

  @ApiProperty({ type: 'integer', example: 32_400_000 })
  maxConnectionMs: number;

  @ApiProperty({ enum: ['one', 'many'], example: 'many' })
  devicesAtOnce: 'one' | 'many';

  @ApiProperty({ enum: ['one', 'many'], example: 'many' })
  socketsPerDevice: 'one' | 'many';

  @ApiProperty({ type: 'integer', example: 5_000 })
  clockSkewMs: number;

  @ApiPropertyOptional({
    type: 'integer',
    example: 5_000,
    description: 'How old an answer of the provider may be; absent if it is not asked.',
  })
  listLagMs?: number | undefined;

  @ApiProperty({ type: 'integer', example: 604_800_000 })
  retentionMs: number;
}

export class ExplanationResponse {
  @ApiProperty({ type: ParticipantResponse, description: 'The participant, as every other response shows it.' })
  participant: ParticipantResponse;

  @RuleName('device-connected')
  rule: Rule;

  @Meaning('device-connected')
  meaning: string;

  @ApiPropertyOptional({
    type: Boolean,
    enum: [true],
    example: true,
    description:
      '`true` if `participant` was computed with another policy or version of the rules than this explanation. It is ' +
      'computed again with the next event, or at the time in `next`.',
  })
  outdated?: true | undefined;

  @ApiProperty({ type: [ExplainedDeviceResponse], description: 'In the order of `participant.devices`.' })
  devices: ExplainedDeviceResponse[];

  @ApiProperty({
    type: [ExplainedEventResponse],
    description:
      'The ends of all devices, in the order in which they count; they are also among the steps of each device.',
  })
  ends: ExplainedEventResponse[];

  @ApiProperty({
    type: [ExplainedAvailabilityResponse],
    description: 'What was said of the availability, in the order in which it counts.',
  })
  availability: ExplainedAvailabilityResponse[];

  @ApiProperty({ type: NextChangeResponse, description: 'What changes next if nothing is received.' })
  next: NextChangeResponse;

  @OptionalTime(DUE_EXAMPLE, 'When the provider is next asked about the participant.')
  asksProviderAt?: string | undefined;

  @OptionalTime(
    TIME_EXAMPLE,
    'Devices have been evicted or forgotten: an event of a device that is not listed is ignored up to this provider time.',
  )
  evictedUpTo?: string | undefined;

  @ApiProperty({ type: PolicyResponse, description: 'The policy of the source.' })
  policy: PolicyResponse;
}
