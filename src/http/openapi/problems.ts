// The error responses of the API document. All errors have one format, and most apply to every operation with the same access,
// so they are added here instead of at each operation.
import type { OpenAPIObject } from '@nestjs/swagger';
import { PROBLEM_CONTENT_TYPE, PROBLEMS, type ProblemName } from '../problem.js';
import type { RouteAccess, RouteOptions } from '../route-options.js';
import { COMPONENTS } from './component-health.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Response = Operation['responses'][string];
type Components = NonNullable<OpenAPIObject['components']>;

/** Errors of the connection, the parser and the limits, before a route is found; and internal errors. */
const COMMON_PROBLEMS: readonly ProblemName[] = [
  'invalid-request',
  'request-timeout',
  'expectation-failed',
  'headers-too-large',
  'internal-error',
  'overloaded',
  'stopping',
];

const ACCESS_PROBLEMS: Readonly<Record<RouteAccess, readonly ProblemName[]>> = {
  public: [],
  read: ['unauthorized', 'forbidden', 'local-only', 'too-many-requests'],
  admin: ['unauthorized', 'forbidden', 'local-only', 'too-many-requests'],
  metrics: ['unauthorized', 'forbidden', 'local-only', 'too-many-requests'],
  callback: ['too-many-requests'],
};

/** Limits do not apply to probes, and liveness is answered until the process ends. */
const NOT_FOR_PROBE: Readonly<Record<RouteOptions['probe'], readonly ProblemName[]>> = {
  liveness: ['overloaded', 'stopping'],
  readiness: ['overloaded'],
};

const BODY_PROBLEMS: readonly ProblemName[] = ['payload-too-large', 'unsupported-media-type'];

/** Statuses of errors that occur before the request counts against the rate limit of its key. */
const WITHOUT_RATE = new Set(['401', '403', '408', '417', '431']);

const RATE_HEADERS = {
  'RateLimit-Limit': 'The number of requests per minute that each process of the service accepts from this key.',
  'RateLimit-Remaining': 'The number of requests left in this minute to the process that has answered.',
  'RateLimit-Reset': 'The number of seconds until that process resets the limit.',
};

const integerHeader = (description: string, example: number) => ({
  description,
  schema: { type: 'integer', minimum: 0 },
  example,
});

export const HEADERS: NonNullable<Components['headers']> = {
  'Retry-After': { ...integerHeader('Seconds to wait before the next attempt.', 1), required: true },
  'WWW-Authenticate': {
    description: 'The expected authentication scheme, and what is wrong with the credentials that were sent.',
    schema: { type: 'string' },
    example: 'Bearer realm="Rollcall"',
  },
  'RateLimit-Limit': integerHeader(RATE_HEADERS['RateLimit-Limit'], 6_000),
  'RateLimit-Remaining': integerHeader(RATE_HEADERS['RateLimit-Remaining'], 5_999),
  'RateLimit-Reset': integerHeader(RATE_HEADERS['RateLimit-Reset'], 42),
};

export const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'An error (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'instance'],
  properties: {
    type: {
      type: 'string',
      enum: Object.keys(PROBLEMS).map(typeOf),
      example: typeOf('invalid-request'),
      description: 'Identifies the kind of error.',
    },
    title: { type: 'string', example: PROBLEMS['invalid-request'].title, description: 'The same for each type.' },
    status: { type: 'integer', minimum: 400, maximum: 599, example: 400 },
    detail: { type: 'string', example: 'limit must be a whole number from 1 to 1000' },
    instance: {
      type: 'string',
      example: 'urn:rollcall:request:5b9a4c1e-6a43-4c5e-9d0f-2f6f8e0c7a11',
      description: 'Contains the request id, which is in the log.',
    },
    errors: {
      type: 'array',
      description: 'Only when the request is not valid: the members and parameters at fault.',
      items: {
        type: 'object',
        required: ['pointer', 'message'],
        properties: {
          pointer: {
            type: 'string',
            example: '#/limit',
            description: 'A JSON Pointer into the body, or `#/` and the name of a parameter.',
          },
          message: { type: 'string', example: 'must be a whole number from 1 to 1000' },
        },
      },
    },
    details: {
      ...COMPONENTS,
      description: 'Only when not ready, and only for callers with an API key: the state of each component.',
    },
  },
};

interface OperationFacts {
  readonly access: RouteAccess;
  readonly probe: RouteOptions['probe'] | undefined;
  /** Whether a request body is parsed, even if the operation does not use it. */
  readonly readsBody: boolean;
  /** Problems that the operation declares itself. */
  readonly own: readonly ProblemName[];
}

/** All responses of an operation, including its error responses. */
export function responsesOf({ responses }: Operation, { access, probe, readsBody, own }: OperationFacts) {
  const excluded = probe ? NOT_FOR_PROBE[probe] : [];
  const common = COMMON_PROBLEMS.filter((name) => !excluded.includes(name));
  const names = [...common, ...ACCESS_PROBLEMS[access], ...(readsBody ? BODY_PROBLEMS : []), ...own];
  const statuses = new Set(names.map((name) => PROBLEMS[name].status));
  const problems = [...statuses].map((status): [string, Response] => {
    const ofStatus = names.filter((name) => PROBLEMS[name].status === status);
    return [String(status), problemResponse([...new Set(ofStatus)])];
  });
  return Object.fromEntries(
    [...Object.entries(responses), ...problems].map(([status, response]) => {
      return [status, withHeaders(response, headersOf(status, access))];
    }),
  );
}

/** One example for each problem. */
export function problemExamples(): NonNullable<Components['examples']> {
  return Object.fromEntries(
    Object.entries(PROBLEMS).map(([name, { status, title }]) => {
      const { example: instance } = PROBLEM_SCHEMA.properties.instance;
      const value = { type: typeOf(name), title, status, detail: `${title}.`, instance };
      const errors = [{ pointer: '#/limit', message: 'must be a whole number from 1 to 1000' }];
      const ofRequest = { detail: PROBLEM_SCHEMA.properties.detail.example, errors };
      return [name, { summary: title, value: name === 'invalid-request' ? { ...value, ...ofRequest } : value }];
    }),
  );
}

function typeOf(name: string): string {
  return `urn:rollcall:problem:${name}`;
}

function problemResponse(names: readonly ProblemName[]): Response {
  const examples = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/examples/${name}` }]));
  const [mediaType = ''] = PROBLEM_CONTENT_TYPE.split(';');
  return {
    description: names.map((name) => `${PROBLEMS[name].title} (\`${name}\`).`).join(' '),
    content: { [mediaType]: { schema: { $ref: '#/components/schemas/Problem' }, examples } },
  };
}

function headersOf(status: string, access: RouteAccess): string[] {
  const hasRate = (access === 'read' || access === 'admin' || access === 'metrics') && !WITHOUT_RATE.has(status);
  return [
    ...(status === '429' || status === '503' ? ['Retry-After'] : []),
    ...(status === '401' || (status === '403' && access !== 'callback') ? ['WWW-Authenticate'] : []),
    ...(hasRate ? Object.keys(RATE_HEADERS) : []),
  ];
}

function withHeaders(response: Response, names: readonly string[]): Response {
  if (response === undefined || '$ref' in response || names.length === 0) return response;
  const refs = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
  return { ...response, headers: { ...response.headers, ...Object.fromEntries(refs) } };
}
