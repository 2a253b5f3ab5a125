// The callback operations of the API document, two for each path of a source: their routes are outside Nest.

import { PROBLEMS_EXTENSION } from '../http/openapi/decorators.js';
import type { DocumentedRoutes } from '../http/openapi/document.js';
import { type CallbackPath, callbackPaths } from './callback-paths.js';
import { CALLBACK_TOKEN_EXAMPLE } from './callback-urls/callback-examples.js';
import type { RegisteredSource } from './registry.js';
import type { Dialect } from './source.js';

const RESPONSES = {
  202: {
    description:
      'The store is unavailable: the event is on the local disk, and applied once the store is back. Or a room has ended, which is ' +
      'stored, and applied to its participants within moments. Or the kind of event is not ' +
      'known: presence has not changed, and the callback is kept in the quarantine.',
  },
  204: {
    description:
      'The event is stored and reflected in every response from now on, or ignored as a duplicate or outdated.',
  },
};

const PROBLEMS = ['not-found', 'too-many-requests', 'too-many-participants', 'store-unavailable'] as const;

const WITH_BASIC =
  'If `CALLBACK_SECRETS` is set, Basic credentials are required; a request without them is answered 401 with a challenge.';

const SIGNED = 'It must be signed or carry the secret header configured for the source; otherwise the response is 401.';

const TOKEN_PARAMETER = {
  name: 'token',
  in: 'path' as const,
  required: true,
  schema: { type: 'string', minLength: 32, maxLength: 1_448, example: CALLBACK_TOKEN_EXAMPLE },
  description: 'A callback secret, or the token of a minted URL.',
};

export function callbackOperations(sources: readonly RegisteredSource[]): DocumentedRoutes {
  const operations = sources.flatMap(operationsOf);
  const options = new Map(operations.map(([path]) => [`POST ${path}`, { access: 'callback' as const }]));
  return { paths: Object.fromEntries(operations), options, webhooks: sources.map(webhookOf) };
}

function webhookOf({ name, dialect: { title } }: RegisteredSource): DocumentedRoutes['webhooks'][number] {
  return {
    path: `/callbacks/${name}`,
    operationId: `${pascalCase(name).replace(/^./, (letter) => letter.toLowerCase())}Participant`,
    summary: `A participant webhook of ${title}`,
    description: `Sent by ${title} to the callback URL that it was given, which is a path below \`/callbacks/\`.`,
  };
}

type PathOperation = [path: string, operation: DocumentedRoutes['paths'][string]];

function operationsOf(registered: RegisteredSource): PathOperation[] {
  return callbackPaths(registered).flatMap((path) => operationsAt(path, registered));
}

function operationsAt(path: CallbackPath, { name, dialect, source, needsSecret }: RegisteredSource): PathOperation[] {
  const { title, payload, contentTypes, arrayContentTypes = [], asksAboutCallbacks } = dialect;
  const problems = [...PROBLEMS, ...(asksAboutCallbacks ? (['provider-unavailable'] as const) : [])];
  const schema = { $ref: `#/components/schemas/${payload.name}` };
  const contentOf = (type: string) => ({
    schema: arrayContentTypes.includes(type) ? { type: 'array', items: schema } : schema,
  });
  const common = {
    tags: ['callbacks'],
    requestBody: {
      required: true,
      description: `The webhook as ${title} sends it.`,
      content: Object.fromEntries(contentTypes.map((type) => [type, contentOf(type)])),
    },
    responses: responsesOf(dialect),
  };
  const id = `receive${pascalCase(name)}Callback${pascalCase(path.below)}`;
  const event = path.below && ` (${path.below.slice(1)})`;
  const withoutToken = {
    ...common,
    operationId: id,
    summary: `Receive a callback from ${title}${event}`,
    description: [
      `Receives a participant webhook of ${title}.`,
      ...(source.authenticate ? [SIGNED] : []),
      ...(needsSecret ? [WITH_BASIC] : []),
    ].join(' '),
    parameters: [],
    [PROBLEMS_EXTENSION]: ['unauthorized', ...(needsSecret ? ['local-only'] : []), ...problems],
  };
  const withToken = {
    ...common,
    operationId: `${id}WithToken`,
    summary: `Receive a callback from ${title}${event} at a secret URL`,
    description:
      `The same, authenticated ${source.authenticate ? 'also ' : ''}by the segment of the path after the source: one of ` +
      '`CALLBACK_SECRETS`, or the token of a URL that `mintCallbackUrl` returned. Such a URL belongs to the first ' +
      'participant that is received through it.',
    parameters: [TOKEN_PARAMETER],
    [PROBLEMS_EXTENSION]: [...(source.authenticate ? ['unauthorized'] : []), 'wrong-participant', ...problems],
  };
  return [
    [path.withoutToken, { post: withoutToken }],
    [path.withToken.replace(':token', '{token}'), { post: withToken }],
  ];
}

function responsesOf({ title, acknowledgement }: Dialect): Record<string, { readonly description: string }> {
  if (!acknowledgement) return RESPONSES;
  const description = `${title} expects this response to each callback that is accepted, also if its event is ignored, not known, or applied later.`;
  return { [acknowledgement.status]: { description } };
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|[-/])(\w)/g, (_, letter: string) => letter.toUpperCase());
}
