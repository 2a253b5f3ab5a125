// Serves the console at / and at the paths of its views. The pages contain no data: their script gets it from the API, with the
// key that the user enters.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { namesEtag } from '../http/etag.js';
import { notFoundProblem } from '../http/problem.js';
import { withRouteOptions } from '../http/route-options.js';
import { type Asset, type ConsoleFiles, type Encoding, loadConsole } from './console-files.js';

/** As in console/router.ts. */
const PAGES = ['/', '/participants/:participantId', '/activity', '/history', '/webhooks', '/quarantine', '/system'];

/** Nothing but its own files, and no code from text: ids and tags come from whoever may send callbacks. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';base-uri 'none';" +
    "form-action 'none';frame-ancestors 'none';require-trusted-types-for 'script';trusted-types 'none'",
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'x-frame-options': 'DENY',
};

/** The name of an asset changes with its content. */
const ASSET_CACHE = 'public, max-age=31536000, immutable';

export function serveConsole(http: FastifyInstance): void {
  let loading: Promise<ConsoleFiles> | undefined;
  const load = () => {
    loading ??= loadConsole().catch((error: unknown) => {
      loading = undefined; // to be tried again
      throw error;
    });
    return loading;
  };
  const servePage = async ({ headers }: FastifyRequest, reply: FastifyReply) => {
    const { page, pageEtag } = await load();
    reply.headers({ ...PAGE_HEADERS, etag: pageEtag, 'cache-control': 'no-cache' });
    if (namesEtag(headers['if-none-match'], pageEtag)) return reply.code(304).send();
    return reply.type('text/html; charset=utf-8').send(page);
  };
  const serveAsset = async (request: FastifyRequest, reply: FastifyReply) => {
    const { name } = request.params as { name: string };
    const asset = (await load()).assets.get(name);
    if (!asset) throw notFoundProblem({ reason: 'unknown-path' });
    return sendAsset(asset, request, reply);
  };
  const config = withRouteOptions({ access: 'public', isPage: true });
  for (const url of PAGES) http.get(url, { config }, servePage);
  http.get('/console/:name', { config }, serveAsset);
}

function sendAsset({ contentType, body, compressed }: Asset, { headers }: FastifyRequest, reply: FastifyReply) {
  const accepted = new Set(String(headers['accept-encoding'] ?? '').split(/\s*,\s*/));
  const encoding = (['br', 'gzip'] satisfies Encoding[]).find((one) => accepted.has(one) && compressed[one]);
  reply.headers({ 'cache-control': ASSET_CACHE, vary: 'accept-encoding' }).type(contentType);
  if (encoding) reply.header('content-encoding', encoding);
  return reply.send(encoding ? compressed[encoding] : body);
}
