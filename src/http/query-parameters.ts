// Query parameters that several modules share, and their validation messages.
import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import {
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import { identifierFault, MAX_IDENTIFIER_LENGTH } from '../domain/identifier.js';
import { LABEL_NAME, labelNameFault, labelsFault, MAX_LABELS } from '../domain/labels.js';
import { parseRfc3339 } from '../runtime/rfc3339.js';
import { AsSent } from './as-sent.js';
import { GatheredParameters } from './gathered-parameters.js';
import { ApiProperty, ApiPropertyOptional } from './openapi/decorators.js';
import {
  LABELS_EXAMPLE,
  PARTICIPANT_ID_EXAMPLE,
  PARTICIPANT_REF_EXAMPLE,
  TAG_EXAMPLE,
  TIME_EXAMPLE,
} from './openapi/examples.js';

export const MAX_ITEMS = 1_000;
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
    // No stored tag contains NUL, and SQLite would compare only the text before it.
    Matches(/^[^\0]*$/, { message: 'must not have a NUL character' }),
  );

export const Identifier = () =>
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

/** Leaves anything that is not a whole number unchanged, for validation to refuse. */
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
      description: 'The maximum number of items in the response.',
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

/** Like IsOptional, but null is not a missing value: in a filter, it must not silently match everything. */
export const Optional = () => ValidateIf((_, value) => value !== undefined);

const IsTime = () =>
  ValidateBy({
    name: 'time',
    validator: {
      validate: (text: unknown) => typeof text === 'string' && parseRfc3339(text) !== undefined,
      defaultMessage: () => 'must be a time like 2026-11-23T09:30:00Z, given once',
    },
  });

export const Time = (example: string, description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: String, format: 'date-time', example, description }),
    Optional(),
    IsTime(),
  );

export const RequiredTime = (example: string, description: string) =>
  applyDecorators(ApiProperty({ type: String, format: 'date-time', example, description }), IsTime());

const SOURCE_EXAMPLE = 'bandwidth';
const SCOPE_EXAMPLE = 'r-42';

export const SourceParameter = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: String, minLength: 1, maxLength: 32, example: SOURCE_EXAMPLE, description }),
    IsOptional(),
    IsString(ONCE),
  );

export const ScopeParameter = (description: string) =>
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

/** For endpoints without query parameters: unknown ones are refused, not ignored. */
export class NoQuery {}

/** `scope` in responses. */
export const ScopeProperty = () =>
  ApiPropertyOptional({
    type: String,
    example: 'r-42',
    description: 'The room or account in which the id is unique; absent when the source has none.',
  });

/** `participantRef` in responses. */
export const ParticipantRefProperty = () =>
  ApiPropertyOptional({
    type: String,
    example: PARTICIPANT_REF_EXAMPLE,
    description: 'The reference of your own that was given when the callback URL was minted, if one was.',
  });

const LABELS_SCHEMA = {
  type: 'object',
  maxProperties: MAX_LABELS,
  propertyNames: { pattern: LABEL_NAME.source },
  additionalProperties: { type: 'string', minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH },
  example: LABELS_EXAMPLE,
} as object;

/** Labels in bodies. */
export const RequiredLabels = (description: string) => ApiProperty({ ...LABELS_SCHEMA, description });
export const LabelsProperty = (description: string) => ApiPropertyOptional({ ...LABELS_SCHEMA, description });

/** Validates labels in a body. */
export const LabelSet = () =>
  applyDecorators(
    AsSent(),
    ValidateBy({
      name: 'labels',
      validator: {
        validate: (labels: unknown) => labelsFault(labels) === undefined,
        defaultMessage: (args) => {
          const { name, message = '' } = labelsFault(args?.value) ?? {};
          if (name === undefined) return message;
          return LABEL_NAME.test(name) ? `[${name}] ${message}` : `has a label whose name ${message}`;
        },
      },
    }),
  );

/** Query parameters `label.<name>`, which become one member, `labels`. */
export const LabelFilter = (more: string) =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'object',
      style: 'form',
      explode: true,
      maxProperties: MAX_LABELS,
      patternProperties: { [LABEL_PARAMETER]: { type: 'string', minLength: 1, maxLength: MAX_IDENTIFIER_LENGTH } },
      additionalProperties: false,
      example: Object.fromEntries(Object.entries(LABELS_EXAMPLE).map(([name, value]) => [`label.${name}`, value])),
      description: `Only participants with all of these labels. Each is a parameter of its own, such as \`label.call=42\`. ${more}`,
    } as object),
    GatheredParameters({ prefix: 'label.', maxCount: MAX_LABELS, fault: labelParameterFault }),
  );

const LABEL_PARAMETER = LABEL_NAME.source.replace('^', '^label\\.');

function labelParameterFault(name: string, value: unknown): string | undefined {
  return labelNameFault(name) ?? (Array.isArray(value) ? ONCE.message : identifierFault(value));
}

/** `availableSince` in responses. */
export const AvailableSinceProperty = () =>
  ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'Only if available: since when, without a break, in its present presence.',
  });

/** `doubtful` in responses. */
export const DoubtfulProperty = () =>
  ApiPropertyOptional({
    type: Boolean,
    enum: [true],
    example: true,
    description:
      '`true` if the device is shown as connected but may be gone: a disconnect was attributed to an older socket of it. ' +
      'Otherwise absent.',
  });
