// What stands between strangers and the routes, of libraries: security headers, browsers of other origins, rate limits.
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from './problem.js';

/** To be awaited before anything else that looks at requests: a browser asks what it may without credentials. */
export async function registerHeaders(http: FastifyInstance, corsOrigins: readonly string[]): Promise<void> {
  await http.register(helmet, {
    contentSecurityPolicy: {
      // The page of the API is served over plain HTTP, too, on a developer's machine.
      directives: { upgradeInsecureRequests: null },
    },
  });
  if (corsOrigins.length === 0) return;
  await http.register(cors, {
    origin: [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: ['etag', 'retry-after', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
  });
}

/** `nameOf`: whose request it is; undefined: it is not limited. Counts in this process alone. To be awaited before there are routes. */
export async function registerRateLimit(
  http: FastifyInstance,
  perMinute: number,
  nameOf: (request: FastifyRequest) => string | undefined,
): Promise<void> {
  await http.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    enableDraftSpec: true,
    allowList: (request) => nameOf(request) === undefined,
    keyGenerator: (request) => nameOf(request) ?? '',
    errorResponseBuilder: () => {
      return new ProblemError('too-many-requests', { detail: `This key may make ${perMinute} requests a minute.` });
    },
  });
}
