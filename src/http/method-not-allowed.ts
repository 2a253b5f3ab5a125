// Answers 405 with an Allow header, instead of 404, when the path exists for another method.
import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problem.js';
import { type RouteAccess, routeOptionsOf, withRouteOptions } from './route-options.js';

/** The preflight route of @fastify/cors, where an unknown URL must still be 404. */
const ANY_URL = '*';

/** Must be called before any route is added, and the returned function after the last one. */
export function watchMethods(http: FastifyInstance): () => void {
  // CONNECT has no path.
  const unsupported = METHODS.filter((method) => method !== 'CONNECT' && !http.supportedMethods.includes(method));
  for (const method of unsupported) http.addHttpMethod(method);
  const routes = new Map<string, { methods: Set<string>; access: RouteAccess | undefined }>();
  http.addHook('onRoute', ({ url, method, config }) => {
    const { access, isPage } = routeOptionsOf(config);
    // Callback routes refuse other methods in their own scope.
    if (url === ANY_URL || isPage || access === 'callback') return;
    const route = routes.get(url) ?? { methods: new Set(), access };
    for (const one of [method].flat()) route.methods.add(one.toUpperCase());
    routes.set(url, route);
  });
  return () => {
    for (const [url, { methods, access }] of routes) {
      // With the same access, so that a key is checked first, as for the supported methods.
      refuseOtherMethods(http, url, [...methods], withRouteOptions({ ...(access && { access }) }));
    }
  };
}

/** `methods`: the methods that have a route at this URL. */
export function refuseOtherMethods(http: FastifyInstance, url: string, methods: readonly string[], config: object) {
  const allow = [...methods].sort().join(', ');
  const others = http.supportedMethods.filter((method) => !methods.includes(method));
  const refuse = async () => {
    throw new ProblemError('method-not-allowed', { detail: `This endpoint supports ${allow}.`, headers: { allow } });
  };
  // In onRequest, before a body is read or checked.
  http.route({ method: others, url, config, onRequest: refuse, handler: refuse });
}
