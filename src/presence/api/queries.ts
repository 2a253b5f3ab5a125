// What REST questions look like, and what is said to those that do not.
import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
} from 'class-validator';
import { identifierFault, MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import { PRESENCE_STATES, type PresenceState } from '../../domain/presence-view.js';
import { ApiProperty, ApiPropertyOptional, COMMA_LIST } from '../../http/openapi/decorators.js';
import {
  CURSOR_EXAMPLE,
  DEVICE_ID_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  TAG_EXAMPLE,
  TAGS_CURSOR_EXAMPLE,
  UNKNOWN_PARTICIPANT_ID_EXAMPLE,
} from '../../http/openapi/examples.js';

const MAX_ITEMS = 1_000;
const MAX_TAG_LENGTH = 1_024;
export const ONCE = { message: 'must be given once' };

export const Tag = () =>
  applyDecorators(
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: MAX_TAG_LENGTH,
      example: TAG_EXAMPLE,
      description: 'Only participants with exactly this tag.',
    }),
    IsOptional(),
    IsString(ONCE),
    MinLength(1, { message: 'must not be empty' }),
    MaxLength(MAX_TAG_LENGTH, { message: `must not be longer than ${MAX_TAG_LENGTH} characters` }),
    // No tag has one, and SQLite would not look beyond it.
    Matches(/^[^\0]*$/, { message: 'must not have a NUL character' }),
  );

const Identifier = () =>
  ValidateBy({
    name: 'identifier',
    validator: {
      validate: (id: unknown) => identifierFault(id) === undefined,
      defaultMessage: (args) => identifierFault(args?.value) ?? '',
    },
  });

export const ParticipantIdParameter = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: MAX_IDENTIFIER_LENGTH,
      example: PARTICIPANT_ID_EXAMPLE,
      description,
    }),
    IsOptional(),
    IsString(ONCE),
    Identifier(),
  );

/** What cannot be read as one is left for validation to refuse. */
export function wholeNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}

export const Limit = () => {
  const range = { message: `must be a whole number from 1 to ${MAX_ITEMS}` };
  return applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      minimum: 1,
      maximum: MAX_ITEMS,
      default: 100,
      example: 100,
      description: 'The maximum number of items in the answer.',
    }),
    Transform(({ value }) => wholeNumber(value)),
    IsInt(range),
    Min(1, range),
    Max(MAX_ITEMS, range),
  );
};

export const Cursor = (
  example: string,
  description = '`nextCursor` of the previous page. The other parameters must be the same as for that page.',
) => applyDecorators(ApiPropertyOptional({ type: String, example, description }), IsOptional(), IsString(ONCE));

const SOURCE_EXAMPLE = 'bandwidth';
const SCOPE_EXAMPLE = 'r-42';

const SourceParameter = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: String, minLength: 1, maxLength: 32, example: SOURCE_EXAMPLE, description }),
    IsOptional(),
    IsString(ONCE),
  );

const ScopeParameter = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: MAX_IDENTIFIER_LENGTH,
      example: SCOPE_EXAMPLE,
      description,
    }),
    IsOptional(),
    IsString(ONCE),
    Identifier(),
  );

export const Source = () => SourceParameter('Only participants of this source.');

export const Scope = () => ScopeParameter('Only participants in this scope: the room or account of the source.');

/** Which participant an id means. Sources and scopes that have nobody are no error: nobody is found. */
export class SubjectQuery {
  @SourceParameter('The source of the participant; the first one of the configuration if not given.')
  source?: string;

  @ScopeParameter('The scope of the participant, if its source has scopes.')
  scope?: string;
}

/** For addresses that take none: an unknown parameter is refused, not ignored. */
export class NoQuery {}

export class ParticipantsQuery {
  @ApiPropertyOptional({
    ...COMMA_LIST,
    enum: PRESENCE_STATES,
    default: ['connected'],
    example: ['connected', 'reconnecting'],
    description: 'Only participants in one of these states, separated by commas.',
  })
  @Transform(({ value }) => [...new Set(String(value).split(','))])
  @IsIn(PRESENCE_STATES, { each: true, message: `must be a comma list of ${PRESENCE_STATES.join(', ')}` })
  state: PresenceState[] = ['connected'];

  @Source()
  source?: string;

  @Scope()
  scope?: string;

  @Tag()
  tag?: string;

  @ParticipantIdParameter('Only participants with this id: one for each source and scope in which it is known.')
  participantId?: string;

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
}

export class LookupQuestion {
  @ApiProperty({
    type: [String],
    minItems: 1,
    maxItems: MAX_ITEMS,
    items: { type: 'string', minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH },
    example: [PARTICIPANT_ID_EXAMPLE, UNKNOWN_PARTICIPANT_ID_EXAMPLE],
    description: 'Answered in this order; an id may occur more than once.',
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

export class EndDeviceQuestion {
  @ApiProperty({ minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH, example: DEVICE_ID_EXAMPLE })
  @Identifier()
  deviceId: string;
}

function faultOfFirst(ids: unknown): string {
  const list = Array.isArray(ids) ? ids : [];
  const index = list.findIndex((id) => identifierFault(id) !== undefined);
  return index === -1 ? 'must be an array of ids' : `[${index}] ${identifierFault(list[index])}`;
}
