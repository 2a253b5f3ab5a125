// The API document (OpenAPI 3.1): built from the decorators of the controllers, and completed with what many operations share.
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Scope } from '../../auth/api-keys.js';
import type { ProblemName } from '../problem.js';
import type { RouteAccess, RouteOptions } from '../route-options.js';
import { loadSwagger, PROBLEMS_EXTENSION } from './decorators.js';
import { HEADERS, PROBLEM_SCHEMA, problemExamples, responsesOf } from './problems.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

/** The declared options of each route, by method and path, like `POST /v1/callback-urls`. */
export type DeclaredOptions = ReadonlyMap<string, Partial<RouteOptions>>;

/** Routes that are not Nest's. */
export interface DocumentedRoutes {
  readonly paths: OpenAPIObject['paths'];
  readonly options: DeclaredOptions;
  /** Webhooks that providers send to one of `paths`, listed under `webhooks` as well, where readers may look for them. */
  readonly webhooks: readonly (Pick<Operation, 'summary' | 'description'> & {
    readonly path: string;
    readonly operationId: string;
  })[];
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

const DESCRIPTION = `Rollcall tells backend services who is on a call right now.

**Authentication.** As soon as \`API_KEYS\` is set, requests need an API key with the scope of the operation:
\`Authorization: Bearer <key>\`. As long as it is empty, local requests need no key, and others are answered with 403.
Health checks, this document and its page are open.

**Errors** are \`application/problem+json\` (RFC 9457); \`type\` identifies the kind of error. A path that does not exist
is answered with 404, an unsupported method with 405 and an \`Allow\` header. Unknown query parameters are
answered with 400. HEAD works wherever GET does.

**Times** are RFC 3339 with milliseconds, in UTC. Positions and cursors are opaque.`;

const TAGS: readonly (readonly [name: string, description: string])[] = [
  ['participants', 'Who is on the call, and in which state.'],
  ['occupancy', 'How many are on the call.'],
  ['changes', 'The change feed: every change of presence, once and in order for each participant.'],
  ['history', 'Who was on the call.'],
  ['webhooks', 'What this service calls: URLs of your own, which receive changes.'],
  ['callbacks', 'What the provider calls, and the URLs to give to it.'],
  ['operations', 'What operators have to know of.'],
  ['health', 'Probes.'],
];

const apiKey = (scope: Scope) => ({
  type: 'http' as const,
  scheme: 'bearer',
  description: `One of \`API_KEYS\` with the scope \`${scope}\`. Not needed by local requests as long as \`API_KEYS\` is empty.`,
});

/** One scheme per scope: older tools support scopes only for OAuth. */
const SECURITY_SCHEMES = {
  readKey: apiKey('read'),
  adminKey: apiKey('admin'),
  metricsKey: apiKey('metrics'),
  callbackSecret: {
    type: 'http' as const,
    scheme: 'basic',
    description:
      'One of `CALLBACK_SECRETS` as the password, with any user name. Not needed by local requests as long as ' +
      '`CALLBACK_SECRETS` is empty.',
  },
};

/** What this service sends to others, by operationId. */
export type SentWebhooks = Readonly<Record<string, { readonly summary: string; readonly body: Type }>>;

/** The document of Nest's routes. The build makes it, since the library takes long to load. `models`: classes that no route of Nest's has. */
export async function createDocument(
  app: NestFastifyApplication,
  options: DeclaredOptions,
  models: readonly Type[],
  sent: SentWebhooks,
): Promise<OpenAPIObject> {
  const { DocumentBuilder, SwaggerModule } = await loadSwagger();
  const about = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Rollcall')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .addServer('/', 'The service that serves this document.')
    .build();
  about.info.contact = { name: 'The Rollcall authors' };
  about.info.license = { name: 'MIT', identifier: 'MIT' } as { name: string };
  about.tags = TAGS.map(([name, description]) => ({ name, description }));
  const document = SwaggerModule.createDocument(app, about, {
    extraModels: [...models, ...Object.values(sent).map(({ body }) => body)],
  });
  for (const [path, item] of Object.entries(document.paths)) completeOperations(path, item, options);
  document.webhooks = Object.fromEntries(
    Object.entries(sent).map(([operationId, { summary, body }]) => [
      operationId,
      sentWebhook(operationId, summary, body),
    ]),
  );
  document.components = {
    ...document.components,
    securitySchemes: SECURITY_SCHEMES,
    headers: HEADERS,
    schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA },
  };
  return document;
}

const SIGNATURE_HEADERS = {
  'webhook-id': ['msg_3fGk9hXq0bLr2mZt8vWc1aYe', 'The same whenever the message is sent again.'],
  'webhook-timestamp': ['1795434600', 'The time of this attempt, in seconds.'],
  'webhook-signature': [
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
    'As in Standard Webhooks: one for each valid secret, separated by spaces.',
  ],
} as const;

function sentWebhook(operationId: string, summary: string, body: Type): PathItem {
  const parameters = Object.entries(SIGNATURE_HEADERS).map(([name, [example, description]]) => ({
    name,
    in: 'header' as const,
    required: true,
    description,
    schema: { type: 'string' as const, example },
  }));
  const schema = { $ref: `#/components/schemas/${body.name}` };
  return {
    post: {
      operationId,
      summary,
      description: 'Sent to the endpoints of webhooks: see docs/webhooks.md.',
      tags: ['webhooks'],
      security: [],
      parameters,
      requestBody: { required: true, content: { 'application/json': { schema } } },
      responses: {
        '200': { description: 'Taken, as with any status from 200 to 299.' },
        '410': { description: 'Not wanted any more: the endpoint is disabled.' },
      },
    },
  };
}

/** The document with routes that depend on the configuration. */
export function withRoutes(document: OpenAPIObject, { paths, options, webhooks }: DocumentedRoutes): OpenAPIObject {
  for (const [path, item] of Object.entries(paths)) completeOperations(path, item, options);
  const received = webhooks.map(({ path, ...texts }) => [
    texts.operationId,
    { post: { ...paths[path]?.post, ...texts } as Operation },
  ]);
  const all = {
    ...document,
    paths: { ...document.paths, ...paths },
    webhooks: { ...document.webhooks, ...Object.fromEntries(received) },
  };
  return withUsedComponents(all);
}

function completeOperations(path: string, item: PathItem, options: DeclaredOptions): void {
  for (const method of METHODS) {
    const operation = item[method] as (Operation & { [PROBLEMS_EXTENSION]?: readonly ProblemName[] }) | undefined;
    if (!operation) continue;
    const { [PROBLEMS_EXTENSION]: own = [] } = operation;
    delete operation[PROBLEMS_EXTENSION];
    const { access = 'public', probe } = options.get(`${method.toUpperCase()} ${path}`) ?? {};
    operation.security = securityOf(path, access);
    operation.responses = responsesOf(operation, { access, probe, readsBody: method !== 'get', own });
  }
}

/** The token in the path of a callback is documented as a parameter: OpenAPI has no security scheme for paths. */
function securityOf(path: string, access: RouteAccess): Operation['security'] {
  switch (access) {
    case 'public':
      return [{}, { readKey: [] }, { adminKey: [] }];
    case 'callback':
      return path.includes('{token}') ? [] : [{ callbackSecret: [] }];
    case 'read':
      return [{ readKey: [] }];
    case 'admin':
      return [{ adminKey: [] }];
    case 'metrics':
      return [{ metricsKey: [] }];
  }
}

/** Without examples and schemas that no operation refers to, like those of dialects that no source speaks. */
function withUsedComponents(document: OpenAPIObject): OpenAPIObject {
  const { schemas = {}, ...components } = document.components ?? {};
  const examples = problemExamples();
  const used = new Set<string>();
  const visit = (value: unknown) => {
    for (const [reference] of JSON.stringify(value).matchAll(/#\/components\/(?:schemas|examples)\/[^"]+/g)) {
      const [, , kind, name = ''] = reference.split('/');
      if (used.has(reference)) continue;
      used.add(reference);
      visit((kind === 'schemas' ? schemas : examples)[name] ?? null);
    }
  };
  visit([document.paths, document.webhooks, components]);
  const usedOf = <T>(kind: string, all: Record<string, T>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => used.has(`#/components/${kind}/${name}`)));
  return {
    ...document,
    components: { ...components, schemas: usedOf('schemas', schemas), examples: usedOf('examples', examples) },
  };
}
