// Members of the request bodies about endpoints and rules.
import { applyDecorators } from '@nestjs/common';
import { IsString, MaxLength, ValidateBy, ValidateIf } from 'class-validator';
import { ApiPropertyOptional } from '../../http/openapi/decorators.js';

export const MAX_TAG_LENGTH = 1_024;

/** null is as if it were absent and, in a change, removes what there is. */
export const Nullable = () => ValidateIf((_, value) => value !== undefined && value !== null);
/** In a change, what is absent stays. */
export const Absent = () => ValidateIf((_, value) => value !== undefined);

export const Text = (example: string | null, maxLength: number, description: string) =>
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

/** A member of a change: what is absent stays, null removes what there is. */
export function changed<T>(before: T | undefined, after: T | null | undefined): T | undefined {
  if (after === undefined) return before;
  return after === null ? undefined : after;
}
