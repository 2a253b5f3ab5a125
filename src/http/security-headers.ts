// Security headers and CORS.
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/**
 * The security headers that OWASP recommends, with helmet's values except `upgrade-insecure-requests`: on a developer's
 * machine the API page is served over plain HTTP. They are constant; helmet builds them for each response, which took a tenth
 * of the time of a callback.
 */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';" +
    "img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';" +
    "style-src 'self' https: 'unsafe-inline'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

const EXPOSED_HEADERS = [
  'etag',
  'retry-after',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'rollcall-complete',
];

export const CONSTANT_HEADERS = Symbol('ConstantHeaders');

/** The headers of responses for which no hook runs. */
export function constantHeaders(corsOrigins: readonly string[]): Readonly<Record<string, string>> {
  if (corsOrigins.length === 0) return SECURITY_HEADERS;
  const forBrowsers = { vary: 'Origin', 'access-control-expose-headers': EXPOSED_HEADERS.join(', ') };
  return { ...SECURITY_HEADERS, ...forBrowsers };
}

/** Must be awaited before authentication is registered: browsers send preflight requests without credentials. */
export async function registerHeaders(http: FastifyInstance, corsOrigins: readonly string[]): Promise<void> {
  http.addHook('onRequest', (_, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    done();
  });
  if (corsOrigins.length === 0) return;
  await http.register(cors, {
    origin: [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    // With true, an OPTIONS request that is not a preflight gets an error that is not a problem document.
    strictPreflight: false,
    exposedHeaders: EXPOSED_HEADERS,
  });
}
