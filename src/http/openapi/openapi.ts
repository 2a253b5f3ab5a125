import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { namesEtag } from '../etag.js';
import { notFoundProblem } from '../problem.js';
import { type RouteOptions, routeOptionsOf, withRouteOptions } from '../route-options.js';
import type { DeclaredOptions, DocumentedRoutes } from './document.js';
import { loadPages, type Page } from './pages.js';

/** The document at /openapi.json, and a page to read it at /docs. Both are loaded when one of them is first requested. */
export function serveOpenApi(http: FastifyInstance, others: DocumentedRoutes): void {
  let pages: Promise<ReadonlyMap<string, Page>> | undefined;
  const serve = async ({ url, headers }: FastifyRequest, reply: FastifyReply) => {
    pages ??= loadPages(others).catch((error: unknown) => {
      pages = undefined; // to be tried again
      throw error;
    });
    const page = (await pages).get(url.replace(/\?.*/, ''));
    if (!page) throw notFoundProblem({ reason: 'unknown-path' });
    reply.headers({ etag: page.etag, 'cache-control': 'no-cache' });
    if (namesEtag(headers['if-none-match'], page.etag)) return reply.code(304).send();
    return reply.type(page.contentType).send(page.body);
  };
  const config = withRouteOptions({ access: 'public' });
  for (const url of ['/openapi.json', '/docs', '/docs/*']) http.get(url, { config }, serve);
}

/** What each route declares about itself. To be called before there are routes. */
export function collectOptions(http: FastifyInstance): DeclaredOptions {
  const options = new Map<string, Partial<RouteOptions>>();
  http.addHook('onRoute', ({ method, url, config }) => {
    const path = url.replace(/:(\w+)/g, '{$1}');
    for (const one of [method].flat()) options.set(`${one} ${path}`, routeOptionsOf(config));
  });
  return options;
}
