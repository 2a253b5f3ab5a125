// The way of the usual callback, and of the usual question for one participant, past the router: from there to its handler
// and back takes about as long as all that is done for it. Only what is answered 204, or with a participant, goes this way,
// or is refused because too much is under way, which has to take less than what it is refused for. Anything else, and
// anything in doubt, is handed over as it came, so that every rule and every other error stands once, where the router
// finds it.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { atTurnsEnd } from '../runtime/tick-batch.js';
import type { ConnectionLimit } from './connection-limit.js';
import type { HeldBytes } from './held-bytes.js';
import { BODY_LIMIT_BYTES, parseUsual } from './json-body.js';
import { overloadedProblem, PROBLEM_CONTENT_TYPE, problemBody } from './problem.js';
import type { Refusals } from './refusals.js';
import type { RequestGate } from './request-gate.js';

/** Resolves when the request may be answered 204, rejects with what the router's way would reject with. undefined: it is for the router. */
export type Take = (body: unknown) => Promise<unknown> | undefined;

/**
 * Who may post what, decided before a byte of it is read. `token`: what follows the lane's path and a slash. undefined: to
 * refuse is the router's.
 */
export type Admit = (token: string | undefined, request: IncomingMessage) => Take | undefined;

export interface ReadyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string;
}

/**
 * Finds what is asked for by the name that follows the lane's path and a slash, for one who may ask; rejects with what the
 * router's way would reject with. undefined: it is for the router.
 */
export type Find = (name: string, request: IncomingMessage) => Promise<ReadyAnswer> | undefined;

/** The same however it is spelt, and no longer than the router takes. */
const PLAIN_NAME = /^[\w.-]{1,2048}$/;
const STORED: ReadyAnswer = { status: 204, headers: {} };

interface LaneParts {
  readonly gate: RequestGate;
  readonly connections: ConnectionLimit;
  readonly held: HeldBytes;
  readonly refusals: Refusals;
}

export class ExpressLane {
  readonly #gate: RequestGate;
  readonly #connections: ConnectionLimit;
  readonly #held: HeldBytes;
  readonly #refusals: Refusals;
  readonly #admits = new Map<string, Admit>();
  readonly #finds = new Map<string, Find>();
  readonly #failures = new WeakMap<IncomingMessage, unknown>();
  readonly #headers: readonly string[];
  readonly #overloaded = overloadedProblem();
  readonly #route: RequestListener;

  /** To be made before there are routes, and after all else that looks at requests. `headers`: of every answer. */
  constructor(
    http: FastifyInstance,
    { gate, connections, held, refusals }: LaneParts,
    headers: Readonly<Record<string, string>>,
  ) {
    this.#gate = gate;
    this.#connections = connections;
    this.#held = held;
    this.#refusals = refusals;
    this.#headers = Object.entries(headers).flat();
    this.#route = http.server.listeners('request')[0] as RequestListener;
    http.server.removeAllListeners('request');
    http.server.on('request', (request, response) => this.#receive(request, response));
    http.addHook('onRequest', ({ raw }, _, done) => done(this.#failures.get(raw) as Error | undefined));
  }

  /** `admit` decides on what is posted to `path`, alone or with a token behind it. */
  openToPosts(path: string, admit: Admit): void {
    this.#admits.set(path, admit);
  }

  /** `find` finds what is below `path`. */
  openToReads(path: string, find: Find): void {
    this.#finds.set(path, find);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const isForRouter = this.#gate.isClosing || this.#connections.isReserved(request.socket);
    const begin = isForRouter ? undefined : this.#recognise(request, response);
    if (begin) begin();
    else this.#route(request, response);
  }

  /** What is to be done for it; undefined: it is for the router. */
  #recognise(request: IncomingMessage, response: ServerResponse): (() => void) | undefined {
    const { method, url = '', headers } = request;
    if (headers.origin !== undefined) return undefined;
    const slash = url.lastIndexOf('/');
    const path = url.slice(0, slash);
    const name = url.slice(slash + 1);
    if (!PLAIN_NAME.test(name)) return undefined;
    if (method === 'GET') {
      const find = this.#finds.get(path);
      return find ? () => this.#work(request, response, () => find(name, request)) : undefined;
    }
    if (method !== 'POST' || headers['content-type'] !== 'application/json') return undefined;
    const length = Number(headers['content-length']);
    if (!(length > 0 && length <= BODY_LIMIT_BYTES)) return undefined;
    const take = this.#admits.get(url)?.(undefined, request) ?? this.#admits.get(path)?.(name, request);
    return take && (() => this.#receiveBody(request, response, length, take));
  }

  #receiveBody(request: IncomingMessage, response: ServerResponse, length: number, take: Take): void {
    request.once('data', (chunk: Buffer) => {
      const giveBack = () => {
        request.pause();
        request.unshift(chunk);
      };
      if (chunk.length < length) {
        giveBack();
        this.#handOver(request, response);
        return;
      }
      this.#work(request, response, () => {
        const body = parseUsual(chunk);
        const taken = body === undefined ? undefined : take(body);
        if (taken) return taken.then(() => STORED);
        giveBack();
        return undefined;
      });
    });
  }

  /** To be called when the body is there: a client that does not send one takes no room. What `work` is not for is handed over. */
  #work(request: IncomingMessage, response: ServerResponse, work: () => Promise<ReadyAnswer> | undefined): void {
    if (!this.#gate.enter(response)) {
      // By then Node knows that the body is complete, and leaves the connection open.
      atTurnsEnd(() => this.#refuse(request, response));
      return;
    }
    try {
      const worked = work();
      if (worked) {
        worked.then(
          (answer) => this.#answer(response, answer),
          (error: unknown) => this.#fail(request, response, error),
        );
      } else this.#handOver(request, response);
    } catch (error) {
      // Thrown on from a listener it would end the process.
      this.#fail(request, response, error);
    }
  }

  #answer(response: ServerResponse, { status, headers, text }: ReadyAnswer): void {
    const all = [...this.#headers];
    for (const [name, value] of Object.entries(headers)) all.push(name, value);
    if (text !== undefined) {
      all.push('content-length', String(Buffer.byteLength(text)));
      this.#held.addText(response, text);
    }
    if (this.#gate.isClosing) all.push('connection', 'close');
    response.writeHead(status, all);
    response.end(text);
  }

  /** As the router would. */
  #refuse(request: IncomingMessage, response: ServerResponse): void {
    const requestId = randomUUID();
    const { method, url = '' } = request;
    const route = this.#admits.has(url) ? url : `${url.slice(0, url.lastIndexOf('/'))}/…`;
    this.#refusals.ofRaw(
      request,
      { kind: method === 'POST' ? 'callback' : 'request', route, requestId },
      this.#overloaded,
    );
    const body = JSON.stringify(problemBody(this.#overloaded, requestId));
    const own = { ...this.#overloaded.members.headers, 'content-type': PROBLEM_CONTENT_TYPE };
    const length = ['content-length', String(Buffer.byteLength(body))];
    response.writeHead(this.#overloaded.status, [...this.#headers, ...Object.entries(own).flat(), ...length]);
    response.end(body);
  }

  /** All has been done for it: the router's way is to fail before it would do it again. */
  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#failures.set(request, error);
    this.#handOver(request, response);
  }

  #handOver(request: IncomingMessage, response: ServerResponse): void {
    // Nobody is there any more, and its room was given back when the connection broke.
    if (request.socket.destroyed) return;
    this.#gate.handOver(request, response);
    this.#route(request, response);
  }
}
