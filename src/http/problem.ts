// The registry of errors: every error response of this service is one of these, in the format of RFC 9457.

export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'Authentication required' },
  forbidden: { status: 403, title: 'Insufficient scope' },
  'wrong-participant': { status: 403, title: 'This callback URL is bound to another participant' },
  'local-only': { status: 403, title: 'Only local requests are allowed without credentials' },
  'not-found': { status: 404, title: 'Not found' },
  'unknown-participant': { status: 404, title: 'Unknown participant' },
  'unknown-device': { status: 404, title: 'Unknown device' },
  'unknown-incident': { status: 404, title: 'Unknown incident' },
  'unknown-dead-letter': { status: 404, title: 'Unknown dead letter' },
  'unknown-endpoint': { status: 404, title: 'Unknown endpoint' },
  'unknown-rule': { status: 404, title: 'Unknown rule' },
  'unknown-quarantine-entry': { status: 404, title: 'Unknown quarantined callback' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'participant-gone': { status: 409, title: 'The participant is gone' },
  'declared-endpoint': { status: 409, title: 'The endpoint is declared in the configuration' },
  'too-many-endpoints': { status: 409, title: 'Too many endpoints' },
  'too-many-rules': { status: 409, title: 'Too many rules' },
  'position-gone': { status: 410, title: 'The position is no longer available' },
  'endpoint-changed': { status: 412, title: 'The endpoint has changed' },
  'rule-changed': { status: 412, title: 'The rule has changed' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The URL is too long' },
  'unsupported-media-type': { status: 415, title: 'The content type of the body is not supported' },
  'expectation-failed': { status: 417, title: 'Unsupported expectation' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another request' },
  'not-replayable': { status: 422, title: 'The callback still cannot be applied' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'Internal error' },
  'unreadable-record': { status: 500, title: 'The stored record of this participant cannot be read' },
  'not-configured': { status: 501, title: 'Not configured' },
  'store-unavailable': { status: 503, title: 'The store is unavailable' },
  'source-not-configured': { status: 503, title: 'The source is not configured' },
  'provider-unavailable': { status: 503, title: 'The provider cannot be reached' },
  'labels-not-indexed': { status: 503, title: 'The label is not indexed yet' },
  'too-many-streams': { status: 503, title: 'Too many concurrent streams' },
  'too-many-participants': { status: 503, title: 'Too many participants' },
  overloaded: { status: 503, title: 'Too many requests in progress' },
  stopping: { status: 503, title: 'The service is stopping' },
  'not-ready': { status: 503, title: 'The service is not ready' },
} as const;

export type ProblemName = keyof typeof PROBLEMS;

/** More specific reasons, for the log and metrics only: some of them would help an attacker. */
const FINER_REASONS = [
  'no-credentials',
  'malformed-credentials',
  'wrong-key',
  'wrong-secret',
  'malformed-token',
  'unknown-token-key',
  'wrong-token-signature',
  'wrong-signature',
  'expired-token',
  'outdated-signature',
  'unknown-topic',
  'foreign-host',
  'forwarded-request',
  'unknown-path',
  'malformed-url',
  'malformed-body',
  'malformed-http',
  'invalid-fields',
  'unknown-event',
  'client-disconnected',
  'too-many-failures',
  'too-many-callbacks',
  'feed-quota-exceeded',
  'too-many-connections',
  'too-many-new-participants',
  'too-many-pipelined',
  'response-not-read',
  'memory-limit',
] as const;

export type RefusalReason = ProblemName | (typeof FINER_REASONS)[number];

const MAX_SHOWN_LENGTH = 64;

/** A name that a client has chosen, for a response. */
export function shownName(name: string): string {
  return name.length > MAX_SHOWN_LENGTH ? `${name.slice(0, MAX_SHOWN_LENGTH)}…` : name;
}

/** One fault in the request. `pointer` is a JSON Pointer as a URI fragment, or `#/` and the name of a parameter. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

interface ProblemMembers {
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Extension members of this problem. */
  readonly extension?: Readonly<Record<string, unknown>>;
}

/** What is only logged about a problem: no secrets, and no text from the caller. */
export interface ProblemNote {
  readonly reason?: RefusalReason;
  readonly logFields?: Readonly<Record<string, unknown>>;
}

/** Thrown by HTTP code; the problem filter turns it into a response. `members` are sent to the caller: no internals. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly reason: RefusalReason;
  readonly logFields: Readonly<Record<string, unknown>>;

  constructor(
    readonly problem: ProblemName,
    readonly members: ProblemMembers,
    { reason = problem, logFields = {} }: ProblemNote = {},
  ) {
    super(members.detail);
    this.reason = reason;
    this.logFields = logFields;
  }

  get status(): number {
    return PROBLEMS[this.problem].status;
  }

  /** The same problem, with more fields in its log line. */
  withLogFields(logFields: Readonly<Record<string, unknown>>): ProblemError {
    const { problem, members, reason } = this;
    return new ProblemError(problem, members, { reason, logFields: { ...this.logFields, ...logFields } });
  }
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

/** The body of a problem response; `requestId` is the id in the log. */
export function problemBody({ problem, members }: ProblemError, requestId: string): Record<string, unknown> {
  const { status, title } = PROBLEMS[problem];
  const { detail, errors, extension } = members;
  const type = `urn:rollcall:problem:${problem}`;
  return {
    type,
    title,
    status,
    detail,
    instance: `urn:rollcall:request:${requestId}`,
    ...(errors && { errors }),
    ...extension,
  };
}

/** For a path or query parameter that DTO validation does not check. `message` follows its name. */
export function invalidParameter(name: string, message: string): ProblemError {
  const errors = [{ pointer: `#/${name}`, message }];
  return new ProblemError('invalid-request', { detail: `${name} ${message}`, errors });
}

/** Also for things that exist, when the caller must not learn that they do. */
export function notFoundProblem(note?: ProblemNote): ProblemError {
  return new ProblemError('not-found', { detail: 'No such endpoint; see /openapi.json.' }, note);
}

export function stoppingProblem(): ProblemError {
  return new ProblemError('stopping', { detail: 'Retry later, or use another node.', headers: { 'retry-after': '1' } });
}

/** For any limit on concurrent work. */
export function overloadedProblem(
  detail = 'Retry in a moment, or use another node.',
  note?: ProblemNote,
): ProblemError {
  return new ProblemError('overloaded', { detail, headers: { 'retry-after': '1' } }, note);
}

/** The provider had to be asked about a callback. `error`: only for the log. */
export function providerUnavailableProblem(error: unknown): ProblemError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ProblemError(
    'provider-unavailable',
    {
      detail: 'Processing this callback requires a request to the provider, which failed.',
      headers: { 'retry-after': '5' },
    },
    { logFields: { error: code ?? message } },
  );
}

/** The problem for a status code when nothing more is known. */
export function problemOfStatus(status: number): ProblemName {
  const found = Object.entries(PROBLEMS).find(([, problem]) => problem.status === status);
  if (found) return found[0] as ProblemName;
  return status >= 400 && status < 500 ? 'invalid-request' : 'internal-error';
}
