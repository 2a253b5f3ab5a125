// What stands between strangers and the routes: security headers, browsers of other origins.
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/**
 * What OWASP's list of security headers asks of a service, as helmet sends it; but no `upgrade-insecure-requests`, since
 * the page of the API is served over plain HTTP, too, on a developer's machine. They are the same for every answer, and
 * helmet, which makes them up anew for each, took a tenth of the time of a callback.
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

const EXPOSED_HEADERS = ['etag', 'retry-after', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];

/** Of a refusal that no hook has seen. */
export function headersOfRefusal(corsOrigins: readonly string[]): Readonly<Record<string, string>> {
  if (corsOrigins.length === 0) return SECURITY_HEADERS;
  const forBrowsers = { vary: 'Origin', 'access-control-expose-headers': EXPOSED_HEADERS.join(', ') };
  return { ...SECURITY_HEADERS, ...forBrowsers };
}

/** To be awaited before anything else that looks at requests: a browser asks what it may without credentials. */
export async function registerHeaders(http: FastifyInstance, corsOrigins: readonly string[]): Promise<void> {
  http.addHook('onRequest', (_, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    done();
  });
  if (corsOrigins.length === 0) return;
  await http.register(cors, {
    origin: [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    // Else an OPTIONS that is no preflight gets an error that is no problem document.
    strictPreflight: false,
    exposedHeaders: EXPOSED_HEADERS,
  });
}
