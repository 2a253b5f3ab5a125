// The way of the usual callback, past the router: from there to its handler and back takes longer than all that is done
// for it. Only what needs no more than a 204 goes this way, or is refused because too much is under way, which has to take
// less than what it is refused for. Anything else, and anything in doubt, is handed over as it came, so that every rule and
// every other error stands once, where the router finds it.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { BODY_LIMIT_BYTES, parseUsual } from './json-body.js';
import { overloadedProblem, PROBLEM_CONTENT_TYPE, PROBLEMS, problemBody } from './problem.js';
import type { RequestGate } from './request-gate.js';

/** Resolves when the request may be answered 204, rejects with what the router's way would reject with. undefined: it is for the router. */
export type Take = (body: unknown) => Promise<unknown> | undefined;

/**
 * Who may post what, decided before a byte of it is read. `token`: what follows the lane's path and a slash. undefined: to
 * refuse is the router's.
 */
export type Admit = (token: string | undefined, authorization: string | undefined) => Take | undefined;

/** The same however it is spelt, and no longer than the router takes. */
const PLAIN_TOKEN = /^[\w.-]{1,2048}$/;

export class ExpressLane {
  readonly #doors = new Map<string, Admit>();
  readonly #failures = new WeakMap<IncomingMessage, unknown>();
  readonly #headers: readonly string[];
  readonly #overloaded = overloadedProblem();
  readonly #route: RequestListener;

  /** To be made before there are routes, and after all else that looks at requests. `headers`: of every answer. */
  constructor(
    http: FastifyInstance,
    private readonly gate: RequestGate,
    headers: Readonly<Record<string, string>>,
  ) {
    this.#headers = Object.entries(headers).flat();
    this.#route = http.server.listeners('request')[0] as RequestListener;
    http.server.removeAllListeners('request');
    http.server.on('request', (request, response) => this.#receive(request, response));
    http.addHook('onRequest', ({ raw }, _, done) => done(this.#failures.get(raw) as Error | undefined));
  }

  /** `admit` decides on what is posted to `path`, alone or with a token behind it. */
  open(path: string, admit: Admit): void {
    this.#doors.set(path, admit);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const usual = this.gate.isClosing ? undefined : this.#recognise(request);
    if (!usual) {
      this.#route(request, response);
      return;
    }
    if (!this.gate.enter(response)) {
      this.#refuse(response);
      return;
    }
    const { take, length } = usual;
    request.once('data', (chunk: Buffer) => {
      let taken: Promise<unknown> | undefined;
      try {
        const body = chunk.length === length ? parseUsual(chunk) : undefined;
        taken = body === undefined ? undefined : take(body);
      } catch (error) {
        // Thrown on from a listener it would end the process.
        this.#fail(request, response, error);
        return;
      }
      if (taken) {
        taken.then(
          () => this.#answer(response),
          (error: unknown) => this.#fail(request, response, error),
        );
        return;
      }
      request.pause();
      request.unshift(chunk);
      this.#handOver(request, response);
    });
  }

  /** undefined: it is for the router. */
  #recognise({ method, url = '', headers }: IncomingMessage) {
    if (method !== 'POST' || headers['content-type'] !== 'application/json') return undefined;
    const length = Number(headers['content-length']);
    const isPlain = length > 0 && length <= BODY_LIMIT_BYTES && headers.origin === undefined;
    if (!isPlain) return undefined;
    const take = this.#admit(url, headers.authorization);
    return take && { take, length };
  }

  #admit(url: string, authorization: string | undefined): Take | undefined {
    const admit = this.#doors.get(url);
    if (admit) return admit(undefined, authorization);
    const slash = url.lastIndexOf('/');
    const token = url.slice(slash + 1);
    return PLAIN_TOKEN.test(token) ? this.#doors.get(url.slice(0, slash))?.(token, authorization) : undefined;
  }

  #answer(response: ServerResponse): void {
    const isLast = this.gate.isClosing;
    response.writeHead(204, isLast ? [...this.#headers, 'connection', 'close'] : [...this.#headers]);
    response.end();
  }

  /** As the router would, before its first hook. */
  #refuse(response: ServerResponse): void {
    const { problem, members } = this.#overloaded;
    const body = JSON.stringify(problemBody(this.#overloaded, randomUUID()));
    response.writeHead(PROBLEMS[problem].status, {
      ...members.headers,
      'content-type': PROBLEM_CONTENT_TYPE,
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  }

  /** Its body has been read: the router's way is to fail before it would read one. */
  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#failures.set(request, error);
    this.#handOver(request, response);
  }

  #handOver(request: IncomingMessage, response: ServerResponse): void {
    // Nobody is there any more, and its room was given back when the connection broke.
    if (request.socket.destroyed) return;
    this.gate.handOver(request, response);
    this.#route(request, response);
  }
}
