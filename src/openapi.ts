import { HttpException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { loadSwagger } from './platform/openapi-decorators.js';
import { PROBLEMS } from './platform/problem.js';
import { withRouteOptions } from './platform/route-options.js';

/**
 * The document at /openapi.json, and a page to read it at /docs with all its assets from here. They are made when one of
 * them is first asked for: a service that is to start quickly does without.
 */
export function serveOpenApi(app: NestFastifyApplication): void {
  let pages: Promise<FastifyInstance> | undefined;
  const serve = async ({ url, headers }: FastifyRequest, reply: FastifyReply) => {
    pages ??= makePages(app).catch((error: unknown) => {
      pages = undefined; // to be tried again
      throw error;
    });
    const answer = await (await pages).inject({ url, headers });
    if (answer.statusCode >= 400) throw new HttpException(answer.json(), answer.statusCode);
    const { connection, date, ...own } = answer.headers; // those two are of the real connection
    // A 304 has no body, and is not to be told the type of an empty one.
    const body = answer.rawPayload.length > 0 ? answer.rawPayload : undefined;
    return reply.code(answer.statusCode).headers(own).send(body);
  };
  const config = withRouteOptions({ access: 'public' });
  const http = app.getHttpAdapter().getInstance();
  for (const url of ['/openapi.json', '/docs', '/docs/*']) http.get(url, { config }, serve);
}

/** An application for them alone, that listens nowhere: one that has started takes no more routes. */
async function makePages(app: NestFastifyApplication): Promise<FastifyInstance> {
  const { DocumentBuilder, SwaggerModule } = await loadSwagger();
  const about = new DocumentBuilder()
    .setTitle('Rollcall')
    .setDescription('Who is on the call, right now. Errors are `application/problem+json` (RFC 9457).')
    .setVersion('1')
    .build();
  const document = withProblems(SwaggerModule.createDocument(app, about));
  const pages = await NestFactory.create<NestFastifyApplication>(class Pages {}, new FastifyAdapter(), {
    abortOnError: false,
  });
  SwaggerModule.setup('docs', pages, document, {
    jsonDocumentUrl: '/openapi.json',
    raw: ['json'],
    // Else the page asks a public service whether the document is valid.
    swaggerOptions: { validatorUrl: null },
  });
  await pages.init();
  return pages.getHttpAdapter().getInstance();
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
    instance: {
      type: 'string',
      description: 'With the id of the request. The log has it for the first 10 refusals of each reason in a minute.',
    },
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
