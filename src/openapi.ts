import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { PROBLEMS } from './platform/problem.js';

/** The document at /openapi.json, and a page to read it at /docs with all its assets from here. */
export function serveOpenApi(app: NestFastifyApplication): void {
  const about = new DocumentBuilder()
    .setTitle('Rollcall')
    .setDescription('Who is on the call, right now. Errors are `application/problem+json` (RFC 9457).')
    .setVersion('1')
    .build();
  SwaggerModule.setup('docs', app, () => withProblems(SwaggerModule.createDocument(app, about)), {
    jsonDocumentUrl: '/openapi.json',
    raw: ['json'],
    // Else the page asks a public service whether the document is valid.
    swaggerOptions: { validatorUrl: null },
  });
}

type Responses = NonNullable<OpenAPIObject['paths'][string]['get']>['responses'];

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

const PROBLEM_SCHEMA: Schemas[string] = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance'],
  properties: {
    type: { type: 'string', enum: Object.keys(PROBLEMS).map((name) => `urn:rollcall:problem:${name}`) },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'With the id of the request, which the log has.' },
    errors: {
      type: 'array',
      description: 'What is wrong with the request, when that can be said of its members.',
      items: {
        type: 'object',
        required: ['pointer', 'message'],
        properties: { pointer: { type: 'string', example: '#/limit' }, message: { type: 'string' } },
      },
    },
  },
};

const RETRY_AFTER = { 'Retry-After': { description: 'In seconds.', schema: { type: 'integer' } } } as const;

/** Every error has one shape, and these can come from nearly everywhere: they are told of in one place. */
function withProblems(document: OpenAPIObject): OpenAPIObject {
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA },
  };
  for (const [path, { get, post }] of Object.entries(document.paths)) {
    for (const operation of [get, post]) {
      if (!operation) continue;
      const { responses, requestBody } = operation;
      responses[400] ??= { description: 'The request is not valid: `errors` says what is wrong.' };
      if (requestBody) {
        responses[413] ??= { description: PROBLEMS['payload-too-large'].title };
        responses[415] ??= { description: PROBLEMS['unsupported-media-type'].title };
      }
      if (path !== '/health/live')
        responses[503] ??= { description: 'Ask again later: the store is away, or the service stops.' };
      operation.responses = Object.fromEntries(Object.entries(responses).map(asProblem));
    }
  }
  return document;
}

function asProblem([status, response]: [string, Responses[string]]): [string, Responses[string]] {
  if (Number(status) < 400 || response === undefined || '$ref' in response) return [status, response];
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return [status, { ...response, content, ...(status === '503' && { headers: RETRY_AFTER }) }];
}
