// Validates queries and bodies against their DTO before a controller runs. Unknown names are refused here and never reach
// class-transformer or class-validator, whose work grows with the square of their number.
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { getMetadataStorage, type ValidationError, validateSync } from 'class-validator';
import { isAsSent } from './as-sent.js';
import { gather } from './gathered-parameters.js';
import { type FieldError, ProblemError, shownName } from './problem.js';

/** Unknown names that a response lists. Others are only counted: the response must not be larger than the request. */
const MAX_LISTED_NAMES = 5;

type Members = Readonly<Record<string, unknown>>;
type Dto = ClassConstructor<object>;

export class DtoPipe implements PipeTransform {
  readonly #names = new Map<Dto, ReadonlySet<string>>();
  /** The results for queries without parameters, by far the most frequent ones. */
  readonly #defaults = new Map<Dto, object>();

  /** Throws a problem that lists the fault of each invalid member. */
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'body' && type !== 'query') return value;
    const members = toMembers(value ?? {});
    const dto = (metatype ?? Object) as Dto;
    if (type === 'body' || Object.keys(members).length > 0) return this.#validate(members, dto);
    const known = this.#defaults.get(dto);
    if (known) return known;
    const defaults = Object.freeze(this.#validate(members, dto));
    this.#defaults.set(dto, defaults);
    return defaults;
  }

  #validate(members: Members, dto: Dto): object {
    const names = this.#namesOf(dto);
    const { rest, gathered, errors: gatheredErrors } = gather(members, dto);
    const unknown = unknownNames(rest, names);
    const known = [...names].filter((name) => Object.hasOwn(rest, name)).map((name) => [name, rest[name]]);
    const asSent = known.filter(([name]) => isAsSent(dto, String(name)));
    const transformed = plainToInstance(dto, Object.fromEntries(known.filter((member) => !asSent.includes(member))));
    const instance = Object.assign(transformed, Object.fromEntries(asSent), gathered);
    const errors = validateSync(instance, { stopAtFirstError: true, forbidUnknownValues: false }).map(toFieldError);
    refuse([...unknown.listed, ...gatheredErrors, ...errors], unknown.unlistedCount);
    return instance;
  }

  #namesOf(dto: Dto): ReadonlySet<string> {
    let names = this.#names.get(dto);
    if (!names) {
      const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
      names = new Set(rules.map(({ propertyName }) => propertyName));
      this.#names.set(dto, names);
    }
    return names;
  }
}

function toMembers(value: unknown): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  const errors = [{ pointer: '#', message: 'must be a JSON object' }];
  throw new ProblemError('invalid-request', { detail: 'The body must be a JSON object.', errors });
}

/** Examines only the known names and those that it lists, however many there are. */
function unknownNames(members: Members, known: ReadonlySet<string>) {
  const names = Object.keys(members);
  const listed: FieldError[] = [];
  for (const name of names) {
    if (listed.length === MAX_LISTED_NAMES) break;
    if (!known.has(name)) listed.push(unknownField(name));
  }
  const knownCount = [...known].filter((name) => Object.hasOwn(members, name)).length;
  return { listed, unlistedCount: names.length - knownCount - listed.length };
}

function unknownField(name: string): FieldError {
  return { pointer: `#/${shownName(name)}`, message: 'is not a known parameter' };
}

function refuse(errors: readonly FieldError[], unlistedCount: number): void {
  if (errors.length === 0) return;
  const details = errors.map(({ pointer, message }) => `${pointer.slice(2)} ${message}`);
  if (unlistedCount > 0) details.push(`${unlistedCount} more unknown names`);
  throw new ProblemError('invalid-request', { detail: details.join('; '), errors });
}

/** A message that begins with an index or a name, like "[3] is missing", is about that element. */
function toFieldError({ property, constraints = {} }: ValidationError): FieldError {
  const [message = ''] = Object.values(constraints);
  const [, index, elementMessage] = /^\[([\w-]{1,64})\] (.*)$/.exec(message) ?? [];
  return index && elementMessage
    ? { pointer: `#/${property}/${index}`, message: elementMessage }
    : { pointer: `#/${property}`, message };
}
