// The fast path: a callback that has been received completely and looks as expected, as nearly all do, does not pass through
// Fastify, whose router, hooks, request and reply would take a quarter of its processor time; see docs/decisions/0007. All
// other callbacks take the routes of callbacks.controller.ts. The responses are the same.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Admission } from '../http/admission.js';
import type { FastPath } from '../http/early-response.js';
import { BODY_LIMIT_BYTES } from '../http/json-body.js';
import { ProblemMapper, problemResponse } from '../http/problem-mapper.js';
import { type Refusal, Refusals } from '../http/refusals.js';
import { logAnswered } from '../http/request-log.js';
import { CONSTANT_HEADERS } from '../http/security-headers.js';
import { LOG } from '../observability/logging.js';
import { traceFields } from '../observability/tracing/tracer.js';
import { CallbackReceiver } from './callback-receiver.js';
import { type RegisteredSource, SourceRegistry } from './registry.js';

/** Secrets, minted tokens and the paths of dialects have no other characters, so nothing needs decoding. */
const PLAIN_PATH = /^\/callbacks\/([a-z\d-]+)((?:\/[\w.~-]{1,1536})*)$/;

interface Target {
  readonly source: RegisteredSource;
  readonly token: string | undefined;
  /** As in `paths` of the dialect, or ''. */
  readonly below: string;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly refusal?: Refusal | undefined;
}

@Injectable()
export class CallbackFastPath implements FastPath {
  readonly #sources: ReadonlyMap<string, RegisteredSource>;

  constructor(
    registry: SourceRegistry,
    private readonly receiver: CallbackReceiver,
    private readonly admission: Admission,
    private readonly problems: ProblemMapper,
    private readonly refusals: Refusals,
    @Inject(CONSTANT_HEADERS) private readonly headers: Readonly<Record<string, string>>,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#sources = new Map(registry.all.map((source) => [source.name, source]));
  }

  take(request: IncomingMessage, response: ServerResponse): boolean {
    const target = this.#targetOf(request);
    if (!target || !this.admission.admit(request, response)) return false;
    void this.#respond(target, request, response);
    return true;
  }

  /** undefined: not for the fast path; the routes must handle the request. */
  #targetOf({ method, url = '', headers, complete, destroyed }: IncomingMessage): Target | undefined {
    // Requests with an Origin need CORS headers, which only the routes add.
    if (method !== 'POST' || !complete || destroyed || headers.origin !== undefined) return undefined;
    const [, name = '', rest = ''] = PLAIN_PATH.exec(url) ?? [];
    const source = this.#sources.get(name);
    const length = Number(headers['content-length'] ?? 0);
    const isPlain = length > 0 && length <= BODY_LIMIT_BYTES;
    if (!source || !isPlain || !source.dialect.contentTypes.includes(headers['content-type'] ?? '')) return undefined;
    const below = source.dialect.paths?.find((path) => rest.endsWith(path)) ?? '';
    const [, token, ...others] = rest.slice(0, rest.length - below.length).split('/');
    return others.length === 0 ? { source, token, below } : undefined;
  }

  async #respond({ source, token, below }: Target, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = performance.now();
    const requestId = randomUUID();
    const route = `/callbacks/${source.name}${token === undefined ? '' : '/:token'}${below}`;
    request.span?.setRoute(route);
    const { status, headers, text, refusal } = await this.#answer(source, token, { request, requestId });
    if (refusal) this.refusals.recordMessage(request, { kind: 'callback', route, requestId }, refusal);
    if (response.destroyed) return;
    if (this.admission.isClosing) response.shouldKeepAlive = false;
    if (status === 204) response.writeHead(204, this.headers).end();
    else {
      const length = { 'content-length': Buffer.byteLength(text ?? '') };
      response.writeHead(status, { ...this.headers, ...headers, ...length }).end(text);
    }
    if (!this.log.isLevelEnabled('debug')) return;
    const elapsedMs = performance.now() - startMs;
    logAnswered(this.log.child({ requestId, ...traceFields(request) }), {
      method: request.method,
      route,
      status,
      elapsedMs,
    });
  }

  async #answer(
    source: RegisteredSource,
    token: string | undefined,
    { request, requestId }: { readonly request: IncomingMessage; readonly requestId: string },
  ): Promise<Answer> {
    try {
      const credentials = this.receiver.authenticate(source, token, request);
      // The body has arrived completely, so one read returns all of it.
      const { headers, url: path = '', span } = request;
      const callback = { headers, body: request.read() as Buffer, path, requestId, span };
      const { body, ...answer } = await this.receiver.receive(source, callback, credentials);
      return body === undefined ? answer : { ...answer, ...jsonContent(body) };
    } catch (error) {
      const problem = this.problems.of(error, request);
      return { ...problemResponse(problem, requestId), refusal: problem };
    }
  }
}

/** The same content type and serialization as Fastify's. */
function jsonContent(json: unknown): Pick<Answer, 'headers' | 'text'> {
  return { headers: { 'content-type': 'application/json; charset=utf-8' }, text: JSON.stringify(json) };
}
