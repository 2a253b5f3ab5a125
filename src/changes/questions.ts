// What is asked of the feed, and what is said to questions that are none.
import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, Min, ValidateBy } from 'class-validator';
import { ApiPropertyOptional } from '../platform/openapi-decorators.js';
import { POSITION_EXAMPLE } from '../presence/answers.js';
import { CHANGE_TYPES, type ChangeType } from '../presence/domain/change.js';
import { parsePosition } from '../presence/feed-position.js';
import { identifierFault } from '../presence/identifier.js';
import { Limit, ONCE, Tag, wholeNumber } from '../presence/questions.js';

const MAX_WAIT_S = 30;

export const POSITION_FAULT = 'is no position that this service gave out';

const After = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ example: POSITION_EXAMPLE, description }),
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
      description: 'If there is nothing yet, answer as soon as there is something, or after this many seconds.',
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

  @ApiPropertyOptional({ description: 'Only changes of this participant and its devices.' })
  @IsOptional()
  @IsString(ONCE)
  @ValidateBy({
    name: 'identifier',
    validator: {
      validate: (id: unknown) => identifierFault(id) === undefined,
      defaultMessage: (args) => String(identifierFault(args?.value)),
    },
  })
  participantId?: string;

  @ApiPropertyOptional({
    type: String,
    example: 'participant.connected,participant.gone',
    description: `Comma list of ${CHANGE_TYPES.join(', ')}. All of them when not given.`,
  })
  @IsOptional()
  @Transform(({ value }) => [...new Set(String(value).split(','))])
  @IsIn(CHANGE_TYPES, { each: true, message: `must be a comma list of ${CHANGE_TYPES.join(', ')}` })
  types?: ChangeType[];
}

export class ChangesQuery extends Filter {
  @After('Changes after this position. Without it: none, and the present position.')
  after?: string;

  @Limit()
  limit: number = 100;

  @Wait()
  wait: number = 0;
}

export class StreamQuery extends Filter {
  @After('Begin after this position; a Last-Event-ID header goes before it. Without either: from now on.')
  after?: string;
}
