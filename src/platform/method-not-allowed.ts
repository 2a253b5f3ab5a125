// 405 with Allow, instead of 404, for addresses that exist under another method.
import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problem.js';

/** Call before any route is added; call what it returns after the last one. */
export function watchMethods(http: FastifyInstance): () => void {
  // CONNECT is no request to an address.
  const unsupported = METHODS.filter((method) => method !== 'CONNECT' && !http.supportedMethods.includes(method));
  for (const method of unsupported) http.addHttpMethod(method);
  const methodsOf = new Map<string, Set<string>>();
  http.addHook('onRoute', ({ url, method }) => {
    const known = methodsOf.get(url) ?? new Set();
    for (const one of [method].flat()) known.add(one.toUpperCase());
    methodsOf.set(url, known);
  });
  return () => {
    for (const [url, known] of methodsOf) {
      const allow = [...known].sort().join(', ');
      const others = http.supportedMethods.filter((method) => !known.has(method));
      const refuse = async () => {
        throw new ProblemError('method-not-allowed', { detail: `This address takes ${allow}.`, headers: { allow } });
      };
      // In onRequest, so that no body is read, and none is complained about.
      http.route({ method: others, url, onRequest: refuse, handler: refuse });
    }
  };
}
