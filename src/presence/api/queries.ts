// Query parameters and request bodies for participants, occupancy and tags.
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn, IsOptional, ValidateBy } from 'class-validator';
import { AVAILABILITIES, type Availability } from '../../domain/availability.js';
import { identifierFault, MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import type { Labels } from '../../domain/labels.js';
import { PARTICIPANT_STATES, type ParticipantState } from '../../domain/presence-view.js';
import { ApiProperty, ApiPropertyOptional, COMMA_LIST } from '../../http/openapi/decorators.js';
import {
  CURSOR_EXAMPLE,
  DEVICE_ID_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  TAGS_CURSOR_EXAMPLE,
  UNKNOWN_PARTICIPANT_ID_EXAMPLE,
} from '../../http/openapi/examples.js';
import {
  Cursor,
  Identifier,
  LabelFilter,
  LabelSet,
  Limit,
  MAX_ITEMS,
  ParticipantIdParameter,
  RequiredLabels,
  Scope,
  ScopeParameter,
  Source,
  SourceParameter,
  Tag,
  Time,
} from '../../http/query-parameters.js';

const INDEXED = 'Their names must be in `INDEXED_LABELS`.';
const ORDERS = ['longest-available'] as const;

/** Identifies a participant together with its id. An unknown scope is not an error: nothing is found in it. */
export class SubjectQuery {
  @SourceParameter('The source of the participant; by default the first configured source.')
  source?: string;

  @ScopeParameter('The scope of the participant, if its source has scopes.')
  scope?: string;
}

export class ParticipantsQuery {
  @ApiPropertyOptional({
    ...COMMA_LIST,
    enum: PARTICIPANT_STATES,
    default: ['connected'],
    example: ['connected', 'reconnecting'],
    description: 'Only participants in one of these states, separated by commas.',
  })
  @Transform(({ value }) => [...new Set(String(value).split(','))])
  @IsIn(PARTICIPANT_STATES, {
    each: true,
    message: `must be a comma-separated list of ${PARTICIPANT_STATES.join(', ')}`,
  })
  state: ParticipantState[] = ['connected'];

  @Source()
  source?: string;

  @Scope()
  scope?: string;

  @Tag()
  tag?: string;

  @LabelFilter(INDEXED)
  labels?: Labels;

  @ParticipantIdParameter('Only participants with this id: at most one per source and scope.')
  participantId?: string;

  @ApiPropertyOptional({
    type: Boolean,
    example: true,
    description: 'Only participants who are, or are not, `doubtful`. A page may have fewer items than `limit`.',
  })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' || value === 'false' ? value === 'true' : value))
  @IsBoolean({ message: 'must be true or false' })
  doubtful?: boolean;

  @ApiPropertyOptional({
    enum: AVAILABILITIES,
    example: 'available',
    description:
      'Only participants with this availability. Those that are `available` or `busy` are listed in the order in which that ' +
      'began. With `unknown`, a page may have fewer items than `limit`.',
  })
  @IsOptional()
  @IsIn(AVAILABILITIES, { message: `must be one of ${AVAILABILITIES.join(', ')}` })
  availability?: Availability;

  @ApiPropertyOptional({
    enum: ORDERS,
    example: 'longest-available',
    description:
      'Participants that have been available for longest come first. Only with `availability=available`, for which it is the default.',
  })
  @IsOptional()
  @IsIn(ORDERS, { message: `must be ${ORDERS.join()}` })
  order?: (typeof ORDERS)[number];

  @Limit()
  limit: number = 100;

  @Cursor(CURSOR_EXAMPLE)
  cursor?: string;
}

export class TagsQuery {
  @Source()
  source?: string;

  @Limit()
  limit: number = 100;

  @Cursor(TAGS_CURSOR_EXAMPLE)
  cursor?: string;
}

export class OccupancyQuery {
  @Source()
  source?: string;

  @Scope()
  scope?: string;

  @Tag()
  tag?: string;

  @LabelFilter(INDEXED)
  labels?: Labels;
}

export class LookupRequest {
  @ApiProperty({
    type: [String],
    minItems: 1,
    maxItems: MAX_ITEMS,
    items: { type: 'string', minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH },
    example: [PARTICIPANT_ID_EXAMPLE, UNKNOWN_PARTICIPANT_ID_EXAMPLE],
    description: 'The response has this order. An id may occur more than once.',
  })
  @IsArray({ message: 'must be an array' })
  @ArrayMinSize(1, { message: `must have 1 to ${MAX_ITEMS} ids` })
  @ArrayMaxSize(MAX_ITEMS, { message: `must have 1 to ${MAX_ITEMS} ids` })
  @ValidateBy({
    name: 'identifiers',
    validator: {
      validate: (ids: unknown) => Array.isArray(ids) && ids.every((id) => identifierFault(id) === undefined),
      defaultMessage: (args) => faultOfFirst(args?.value),
    },
  })
  participantIds: string[];
}

export class EndDeviceRequest {
  @ApiProperty({ minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH, example: DEVICE_ID_EXAMPLE })
  @Identifier()
  deviceId: string;
}

export class SetAvailabilityRequest {
  @ApiProperty({ enum: AVAILABILITIES, example: 'available' })
  @IsIn(AVAILABILITIES, { message: `must be one of ${AVAILABILITIES.join(', ')}` })
  availability: Availability;

  @Time('2036-11-23T10:30:00Z', 'When it ends; by default when it is set again, or the provider reports another one.')
  until?: string;
}

export class SetLabelsRequest {
  @RequiredLabels('All labels of the participant that you set, by name.')
  @LabelSet()
  labels: Labels;
}

function faultOfFirst(ids: unknown): string {
  const list = Array.isArray(ids) ? ids : [];
  const index = list.findIndex((id) => identifierFault(id) !== undefined);
  return index === -1 ? 'must be an array of ids' : `[${index}] ${identifierFault(list[index])}`;
}
