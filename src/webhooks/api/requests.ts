// Request bodies about endpoints.
import { applyDecorators } from '@nestjs/common';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import { CHANGE_TYPES, type ChangeType } from '../../domain/change.js';
import { MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import { AsSent } from '../../http/as-sent.js';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { TAG_EXAMPLE } from '../../http/openapi/examples.js';
import { Identifier } from '../../http/query-parameters.js';
import { headersFault, MAX_HEADERS } from '../sending/static-headers.js';

export const URL_EXAMPLE = 'https://backend.example.com/presence';
const MAX_URL_LENGTH = 2_048;
const MAX_TAG_LENGTH = 1_024;
const MAX_BATCH = 100;
const MAX_OVERLAP_S = 7 * 86_400;
const DEFAULT_OVERLAP_S = 86_400;

/** null is as if it were absent and, in a change, removes what there is. */
const Nullable = () => ValidateIf((_, value) => value !== undefined && value !== null);
/** In a change, what is absent stays. */
const Absent = () => ValidateIf((_, value) => value !== undefined);

const BATCH = { message: `must be a whole number from 1 to ${MAX_BATCH}` };
const OVERLAP = { message: `must be a whole number from 0 to ${MAX_OVERLAP_S}` };
const TYPES = { message: `must be an array of ${CHANGE_TYPES.join(', ')}` };

const Text = (example: string, maxLength: number, description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: String, nullable: true, minLength: 1, maxLength, example, description }),
    Nullable(),
    IsString({ message: 'must be a string' }),
    MaxLength(maxLength, { message: `must not be longer than ${maxLength} characters` }),
    ValidateBy({
      name: 'text',
      validator: {
        // No stored tag contains NUL.
        validate: (text: unknown) => typeof text === 'string' && /^[^\0\p{Surrogate}]+$/u.test(text),
        defaultMessage: () => 'must be text, and must not be empty',
      },
    }),
  );

const Url = () =>
  applyDecorators(
    IsString({ message: 'must be a string' }),
    MaxLength(MAX_URL_LENGTH, { message: `must not be longer than ${MAX_URL_LENGTH} characters` }),
  );

const URL_SCHEMA = {
  type: String,
  format: 'uri',
  maxLength: MAX_URL_LENGTH,
  example: URL_EXAMPLE,
  description:
    'An https URL whose host has public addresses only. http needs `WEBHOOK_ALLOW_HTTP`, other addresses need ' +
    '`WEBHOOK_ALLOWED_NETWORKS`.',
} as const;

class EndpointMembers {
  @Text('Call centre', 256, 'For humans.')
  description?: string | null;

  @ApiPropertyOptional({
    type: [String],
    enum: CHANGE_TYPES,
    nullable: true,
    example: ['participant.connected', 'participant.gone'],
    description: 'Only changes of these types.',
  })
  @Nullable()
  @IsArray(TYPES)
  @ArrayMinSize(1, TYPES)
  @ArrayMaxSize(CHANGE_TYPES.length, TYPES)
  @IsIn(CHANGE_TYPES, { each: true, ...TYPES })
  types?: ChangeType[] | null;

  @Text(
    TAG_EXAMPLE,
    MAX_TAG_LENGTH,
    'Only changes of participants with exactly this tag, and the change in which one loses it.',
  )
  tag?: string | null;

  @Text('bandwidth', 32, 'Only changes of participants of this source.')
  source?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: MAX_IDENTIFIER_LENGTH,
    example: 'r-42',
    description: 'Only changes of participants in this scope: the room or account of the source.',
  })
  @Nullable()
  @Identifier()
  scope?: string | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_BATCH,
    default: 1,
    example: 1,
    description: 'The maximum number of changes in one request. Above 1, requests have the type `presence.batch`.',
  })
  @Absent()
  @IsInt(BATCH)
  @Min(1, BATCH)
  @Max(MAX_BATCH, BATCH)
  batch?: number;

  @ApiPropertyOptional({
    type: 'object',
    maxProperties: MAX_HEADERS,
    additionalProperties: { type: 'string' },
    example: { 'x-tenant': '42' },
    description: 'Headers that each request has. Their values are never shown again.',
  })
  @Absent()
  @AsSent()
  @ValidateBy({
    name: 'headers',
    validator: {
      validate: (headers: unknown) => headersFault(headers) === undefined,
      defaultMessage: (args) => headersFault(args?.value) ?? '',
    },
  })
  headers?: Record<string, string>;

  @ApiPropertyOptional({
    type: Boolean,
    default: true,
    example: true,
    description:
      'Nothing is sent to an endpoint that is not enabled. Once it is enabled again, it gets what it has missed.',
  })
  @Absent()
  @IsBoolean({ message: 'must be true or false' })
  enabled?: boolean;
}

export class EndpointRequest extends EndpointMembers {
  @ApiProperty(URL_SCHEMA)
  @Url()
  url: string;
}

export class EndpointPatch extends EndpointMembers {
  @ApiPropertyOptional(URL_SCHEMA)
  @Absent()
  @Url()
  url?: string;
}

export class RotationRequest {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_OVERLAP_S,
    default: DEFAULT_OVERLAP_S,
    example: DEFAULT_OVERLAP_S,
    description: 'How long the previous secret signs as well.',
  })
  @Absent()
  @IsInt(OVERLAP)
  @Min(0, OVERLAP)
  @Max(MAX_OVERLAP_S, OVERLAP)
  overlapSeconds: number = DEFAULT_OVERLAP_S;
}
