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
      return new ProblemError('invalid-request', { detail: detailOf(fields), errors: fields });
    },
  });
}

/** For an address that takes no parameters, and is asked too often for a DTO that says so. Throws a problem. */
export function refuseParameters(query: unknown): void {
  const errors = Object.keys(query ?? {}).map(unknownField);
  if (errors.length > 0) throw new ProblemError('invalid-request', { detail: detailOf(errors), errors });
}

/** What every object has by birth is known to a DTO, too; as the name of a parameter it would pass for one. */
export function refuseInheritedNames(names: readonly string[]): void {
  const errors = names.filter((name) => name in Object.prototype).map((name) => unknownField(name));
  if (errors.length > 0) throw new ProblemError('invalid-request', { detail: detailOf(errors), errors });
}

function unknownField(name: string): FieldError {
  return { pointer: `#/${name}`, message: 'is not known here' };
}

function detailOf(errors: readonly FieldError[]): string {
  return errors.map(({ pointer, message }) => `${pointer.slice(2)} ${message}`).join('; ');
}

/** A message that begins with an index, like "[3] is missing", is of that element. */
function toFieldError({ property, constraints = {} }: ValidationError): FieldError {
  const [[rule, message] = ['', '']] = Object.entries(constraints);
  if (rule === 'whitelistValidation') return unknownField(property);
  const [, index, ofElement] = /^\[(\d+)\] (.*)$/.exec(message) ?? [];
  return index && ofElement
    ? { pointer: `#/${property}/${index}`, message: ofElement }
    : { pointer: `#/${property}`, message };
}
