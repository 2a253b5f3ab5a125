// Questions are checked against their DTO before a controller sees them; what is not in the DTO is refused.
import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { type FieldError, ProblemError } from './problem.js';

export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => {
      const fields = errors.map(toFieldError);
      const detail = fields.map(({ pointer, message }) => `${pointer.slice(2)} ${message}`).join('; ');
      return new ProblemError('invalid-request', { detail, errors: fields });
    },
  });
}

/** A message that begins with an index, like "[3] is missing", is of that element. */
function toFieldError({ property, constraints = {} }: ValidationError): FieldError {
  const [[rule, message] = ['', '']] = Object.entries(constraints);
  if (rule === 'whitelistValidation') return { pointer: `#/${property}`, message: 'is not known here' };
  const [, index, ofElement] = /^\[(\d+)\] (.*)$/.exec(message) ?? [];
  return index && ofElement
    ? { pointer: `#/${property}/${index}`, message: ofElement }
    : { pointer: `#/${property}`, message };
}
