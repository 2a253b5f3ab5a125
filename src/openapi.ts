import { HttpException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createDocument, type DeclaredOptions } from './openapi-document.js';
import { loadSwagger } from './platform/openapi-decorators.js';
import { type RouteOptions, routeOptionsOf, withRouteOptions } from './platform/route-options.js';

/**
 * The document at /openapi.json, and a page to read it at /docs with all its assets from here. They are made when one of
 * them is first asked for: a service that is to start quickly does without.
 */
export function serveOpenApi(app: NestFastifyApplication): void {
  const http = app.getHttpAdapter().getInstance();
  const options = collectOptions(http);
  let pages: Promise<FastifyInstance> | undefined;
  const serve = async ({ url, headers }: FastifyRequest, reply: FastifyReply) => {
    pages ??= makePages(app, options).catch((error: unknown) => {
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
  for (const url of ['/openapi.json', '/docs', '/docs/*']) http.get(url, { config }, serve);
}

/** To be called before there are routes: what each declares about itself. */
function collectOptions(http: FastifyInstance): DeclaredOptions {
  const options = new Map<string, Partial<RouteOptions>>();
  http.addHook('onRoute', ({ method, url, config }) => {
    const path = url.replace(/:(\w+)/g, '{$1}');
    for (const one of [method].flat()) options.set(`${one} ${path}`, routeOptionsOf(config));
  });
  return options;
}

/** An application for them alone, that listens nowhere: one that has started takes no more routes. */
async function makePages(app: NestFastifyApplication, options: DeclaredOptions): Promise<FastifyInstance> {
  const { SwaggerModule } = await loadSwagger();
  const document = await createDocument(app, options);
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
