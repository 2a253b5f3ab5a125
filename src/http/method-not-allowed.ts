// 405 with Allow, instead of 404, for addresses that exist under another method.
import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problem.js';
import { type RouteAccess, routeOptionsOf, withRouteOptions } from './route-options.js';

/** The route of CORS for preflights: an unknown URL is 404 there, too. */
const ANY_URL = '*';

/** Call before any route is added; call what it returns after the last one. */
export function watchMethods(http: FastifyInstance): () => void {
  // CONNECT is no request to an address.
  const unsupported = METHODS.filter((method) => method !== 'CONNECT' && !http.supportedMethods.includes(method));
  for (const method of unsupported) http.addHttpMethod(method);
  const routes = new Map<string, { methods: Set<string>; access: RouteAccess | undefined }>();
  http.addHook('onRoute', ({ url, method, config }) => {
    // Routes of callbacks refuse other methods in their own scope.
    if (url === ANY_URL || routeOptionsOf(config).access === 'callback') return;
    const route = routes.get(url) ?? { methods: new Set(), access: routeOptionsOf(config).access };
    for (const one of [method].flat()) route.methods.add(one.toUpperCase());
    routes.set(url, route);
  });
  return () => {
    for (const [url, { methods, access }] of routes) {
      // The access is checked before, as for the methods that exist.
      refuseOtherMethods(http, url, [...methods], withRouteOptions({ ...(access && { access }) }));
    }
  };
}

/** `methods`: those that the URL has routes for. */
export function refuseOtherMethods(http: FastifyInstance, url: string, methods: readonly string[], config: object) {
  const allow = [...methods].sort().join(', ');
  const others = http.supportedMethods.filter((method) => !methods.includes(method));
  const refuse = async () => {
    throw new ProblemError('method-not-allowed', { detail: `This endpoint supports ${allow}.`, headers: { allow } });
  };
  // In onRequest, so that no body is read, and none is complained about.
  http.route({ method: others, url, config, onRequest: refuse, handler: refuse });
}
