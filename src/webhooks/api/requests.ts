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
} from 'class-validator';
import { MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import { AsSent } from '../../http/as-sent.js';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { TAG_EXAMPLE } from '../../http/openapi/examples.js';
import { Identifier } from '../../http/query-parameters.js';
import { EVENT_TYPES, type EventType } from '../endpoint.js';
import { headersFault, MAX_HEADERS } from '../sending/static-headers.js';
import { Absent, MAX_TAG_LENGTH, Nullable, Text } from './members.js';

export const URL_EXAMPLE = 'https://backend.example.com/presence';
const MAX_URL_LENGTH = 2_048;
const MAX_BATCH = 100;
const MAX_OVERLAP_S = 7 * 86_400;
const DEFAULT_OVERLAP_S = 86_400;

const BATCH = { message: `must be a whole number from 1 to ${MAX_BATCH}` };
const OVERLAP = { message: `must be a whole number from 0 to ${MAX_OVERLAP_S}` };
const TYPES = { message: `must be an array of ${EVENT_TYPES.join(', ')}` };

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
    enum: EVENT_TYPES,
    nullable: true,
    example: ['participant.connected', 'participant.gone'],
    description: 'Only these types. Absent: all changes, but no events about tags and rules.',
  })
  @Nullable()
  @IsArray(TYPES)
  @ArrayMinSize(1, TYPES)
  @ArrayMaxSize(EVENT_TYPES.length, TYPES)
  @IsIn(EVENT_TYPES, { each: true, ...TYPES })
  types?: EventType[] | null;

  @Text(
    TAG_EXAMPLE,
    MAX_TAG_LENGTH,
    'Only changes of participants with exactly this tag, the change in which one loses it, and events about exactly this tag.',
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
