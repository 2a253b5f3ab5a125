// What the API's document says of controllers and DTOs: the decorators of @nestjs/swagger, to take effect when the
// document is asked for. Node would spend more than a quarter of each start on loading that library and what it needs.
import type * as Swagger from '@nestjs/swagger';
import type { ProblemName } from '../problem.js';

type DecoratorName = Extract<keyof typeof Swagger, `Api${string}`>;

const postponed: ((swagger: typeof Swagger) => void)[] = [];

/** The library, with all in effect that was said up to now, in the order in which it was said. */
export async function loadSwagger(): Promise<typeof Swagger> {
  const swagger = await import('@nestjs/swagger');
  for (let say = postponed[0]; say; say = postponed[0]) {
    say(swagger);
    postponed.shift();
  }
  return swagger;
}

function postpone<N extends DecoratorName>(name: N): (typeof Swagger)[N] {
  type Factory = (...args: unknown[]) => (...place: unknown[]) => void;
  const postponing: Factory =
    (...args) =>
    (...place) => {
      postponed.push((swagger) => (swagger[name] as Factory)(...args)(...place));
    };
  return postponing as (typeof Swagger)[N];
}

export const ApiCreatedResponse = postpone('ApiCreatedResponse');
const ApiExtension = postpone('ApiExtension');
export const ApiExtraModels = postpone('ApiExtraModels');
export const ApiHeader = postpone('ApiHeader');
export const ApiOkResponse = postpone('ApiOkResponse');
export const ApiOperation = postpone('ApiOperation');
export const ApiParam = postpone('ApiParam');
export const ApiProduces = postpone('ApiProduces');
export const ApiProperty = postpone('ApiProperty');
export const ApiPropertyOptional = postpone('ApiPropertyOptional');
export const ApiResponse = postpone('ApiResponse');
export const ApiTags = postpone('ApiTags');

/** On an operation in the document until the document is complete; see openapi-problems.ts. */
export const PROBLEMS_EXTENSION = 'x-problems';

/** The problems that this operation can answer with, besides those that any operation with its access can. */
export const ApiProblems = (...names: ProblemName[]) => ApiExtension(PROBLEMS_EXTENSION, names);

/** A query parameter that lists values with commas between them. The document calls it an array. */
export const COMMA_LIST = { isArray: true, style: 'form', explode: false } as const;
