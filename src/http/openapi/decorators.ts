// The decorators of @nestjs/swagger, applied lazily: only when the API document is first requested. Loading that library and
// its dependencies would take more than a quarter of the start time.
import type * as Swagger from '@nestjs/swagger';
import type { ProblemName } from '../problem.js';

type DecoratorName = Extract<keyof typeof Swagger, `Api${string}`>;

const deferred: ((swagger: typeof Swagger) => void)[] = [];

/** Loads the library and applies all deferred decorators in their original order. */
export async function loadSwagger(): Promise<typeof Swagger> {
  const swagger = await import('@nestjs/swagger');
  for (let apply = deferred[0]; apply; apply = deferred[0]) {
    apply(swagger);
    deferred.shift();
  }
  return swagger;
}

function defer<N extends DecoratorName>(name: N): (typeof Swagger)[N] {
  type Factory = (...args: unknown[]) => (...target: unknown[]) => void;
  const deferring: Factory =
    (...args) =>
    (...target) => {
      deferred.push((swagger) => (swagger[name] as Factory)(...args)(...target));
    };
  return deferring as (typeof Swagger)[N];
}

export const ApiAcceptedResponse = defer('ApiAcceptedResponse');
export const ApiCreatedResponse = defer('ApiCreatedResponse');
const ApiExtension = defer('ApiExtension');
export const ApiExtraModels = defer('ApiExtraModels');
export const ApiHeader = defer('ApiHeader');
export const ApiOkResponse = defer('ApiOkResponse');
export const ApiOperation = defer('ApiOperation');
export const ApiParam = defer('ApiParam');
export const ApiProduces = defer('ApiProduces');
export const ApiProperty = defer('ApiProperty');
export const ApiPropertyOptional = defer('ApiPropertyOptional');
export const ApiResponse = defer('ApiResponse');
export const ApiTags = defer('ApiTags');

/** Present on operations only while the document is built; see problems.ts. */
export const PROBLEMS_EXTENSION = 'x-problems';

/** The problems of this operation, in addition to those of every operation with the same access. */
export const ApiProblems = (...names: ProblemName[]) => ApiExtension(PROBLEMS_EXTENSION, names);

/** A query parameter that is a comma-separated list. */
export const COMMA_LIST = { isArray: true, style: 'form', explode: false } as const;
