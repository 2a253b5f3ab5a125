// Query parameters of the change feed.
import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, Min, ValidateBy } from 'class-validator';
import { CHANGE_TYPES, type ChangeType } from '../../domain/change.js';
import type { Labels } from '../../domain/labels.js';
import { ApiPropertyOptional, COMMA_LIST } from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE } from '../../http/openapi/examples.js';
import {
  LabelFilter,
  Limit,
  ONCE,
  ParticipantIdParameter,
  Scope,
  Source,
  Tag,
  wholeNumber,
} from '../../http/query-parameters.js';
import { parsePosition } from '../../storage/feed-position.js';

const MAX_WAIT_S = 30;

export const POSITION_FAULT = 'was not issued by this service';

const After = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: String, example: POSITION_EXAMPLE, description }),
    IsOptional(),
    IsString(ONCE),
    ValidateBy({
      name: 'position',
      validator: {
        validate: (text: unknown) => typeof text === 'string' && parsePosition(text) !== undefined,
        defaultMessage: () => POSITION_FAULT,
      },
    }),
  );

const Wait = () => {
  const range = { message: `must be a whole number of seconds from 0 to ${MAX_WAIT_S}` };
  return applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      minimum: 0,
      maximum: MAX_WAIT_S,
      default: 0,
      example: 30,
      description: 'Seconds to wait if there are no changes yet.',
    }),
    Transform(({ value }) => wholeNumber(value)),
    IsInt(range),
    Min(0, range),
    Max(MAX_WAIT_S, range),
  );
};

class Filter {
  @Tag()
  tag?: string;

  @LabelFilter('Also the change in which a participant loses them.')
  labels?: Labels;

  @ParticipantIdParameter('Only changes of participants with this id, and of their devices.')
  participantId?: string;

  @Source()
  source?: string;

  @Scope()
  scope?: string;

  @ApiPropertyOptional({
    ...COMMA_LIST,
    enum: CHANGE_TYPES,
    example: ['participant.connected', 'participant.gone'],
    description: 'Only changes of these types, separated by commas.',
  })
  @IsOptional()
  @Transform(({ value }) => [...new Set(String(value).split(','))])
  @IsIn(CHANGE_TYPES, { each: true, message: `must be a comma-separated list of ${CHANGE_TYPES.join(', ')}` })
  types?: ChangeType[];
}

export class ChangesQuery extends Filter {
  @After('Changes after this position. Without it, the response has no items and the current position.')
  after?: string;

  @Limit()
  limit: number = 100;

  @Wait()
  wait: number = 0;
}

export class StreamQuery extends Filter {
  @After('Start after this position; a `Last-Event-ID` header takes precedence. Without either, start now.')
  after?: string;
}
