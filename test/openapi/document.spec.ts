// The API document is valid, consistent, and matches the existing routes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SEED, type Service, startService } from '../e2e/service.js';
import { EVERY_DIALECT } from '../sources/every-dialect.js';
import { SIGNED_DIALECTS } from '../sources/signed-dialects.js';
import { send } from './client.js';
import { createValidators, find, type Json, type Operation, operationsOf } from './document.js';

const SECRET = 'a-callback-secret-of-32-characters-or-more';
const LINTER = join(import.meta.dirname, '..', '..', 'scripts', 'lint-openapi.mjs');

describe('the API document', () => {
  let service: Service;
  let document: Json;
  let operations: Operation[];
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-openapi-'));
    const access = { isRequired: false, callbackSecrets: [SECRET] };
    service = await startService({
      sources: EVERY_DIALECT,
      access,
      history: 'embedded',
      webhooks: { resolve: async () => ['93.184.216.34'] },
    });
    document = (await service.request('/openapi.json')).json;
    operations = operationsOf(document);
  });
  afterAll(async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  });

  it('passes the recommended rules of Redocly and Spectral', () => {
    const lint = (what: Json) => {
      const file = join(folder, 'openapi.json');
      writeFileSync(file, JSON.stringify(what));
      return spawnSync(process.execPath, [LINTER, file], { encoding: 'utf8' });
    };
    const { status, stdout, stderr } = lint(document);
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
    expect(document.openapi).toBe('3.1.0');
    const faulty = structuredClone(document);
    faulty.paths['/v1/occupancy'].get.operationId = 'listTags';
    expect(lint(faulty).status).toBe(1);
  }, 120_000);

  it('lists exactly the existing operations', async () => {
    const patterns = routePatterns(service.app).filter((pattern) => !/^\/(docs|openapi\.json)/.test(pattern));
    const routes = await Promise.all(
      patterns.map(async (pattern) => {
        // No route supports this method, so the response lists the supported ones.
        const { headers } = await service.request(pattern.replace(':token', SECRET), { method: 'PROPFIND' });
        const methods = (headers.get('allow') ?? '').split(', ').filter((method) => method !== 'HEAD');
        return methods.map((method) => `${method} ${pattern.replace(/:(\w+)/g, '{$1}')}`);
      }),
    );
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(routes.flat().sort());
    expect(operations.length).toBeGreaterThan(10);
  });

  it('has a unique and valid id for each operation, and descriptions of operations and parameters', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operationId, path, parameters, ...operation } of operations) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect(operation).toMatchObject({
        summary: expect.stringMatching(/\w/),
        description: expect.stringMatching(/\w/),
      });
      const names = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(names).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      for (const parameter of parameters) {
        expect(parameter).toHaveProperty('description');
        // Only those whose names begin with `label.` are one object, which takes each of its members as a parameter.
        const { schema, style, explode } = parameter;
        if (schema.type !== 'object') continue;
        expect([style, explode, Object.keys(schema.patternProperties)]).toEqual([
          'form',
          true,
          [expect.stringMatching(/^\^label/)],
        ]);
      }
    }
    expect(Object.keys(document.webhooks)).toEqual(
      expect.arrayContaining(['presenceChanged', 'presenceChangedInBatch', 'changesMissed', 'endpointTested']),
    );
    expect(document.webhooks.bandwidthParticipant.post.requestBody).toEqual(
      document.paths['/callbacks/bandwidth'].post.requestBody,
    );
  });

  it('has a valid example for each scalar member, parameter, header and body', () => {
    const compile = createValidators(document);
    const isValid = (schema: Json, value: Json) => compile({ ...schema, examples: [] })(value);
    const isScalar = ({ type }: Json) => [type].flat().some((one) => /^(string|integer|number|boolean)$/.test(one));
    const members = find(document.components.schemas, (value) => typeof value.properties === 'object').flatMap(
      ([path, { properties }]) => Object.entries<Json>(properties).map(([name, schema]) => [`${path}/${name}`, schema]),
    );
    expect(members.filter(([, schema]) => isScalar(schema) && !('example' in schema)).map(([path]) => path)).toEqual(
      [],
    );
    const parameters = operations.flatMap(({ parameters: all }) => all);
    const exampleOf = ({ example, schema }: Json) => example ?? schema.example;
    expect(parameters.filter((parameter) => exampleOf(parameter) === undefined)).toEqual([]);
    const media = find(document, ({ content }) => typeof content === 'object').flatMap(([path, { content }]) =>
      Object.entries<Json>(content).map(([type, one]) => [`${path} ${type}`, one]),
    );
    const ofMedia = media.flatMap(([path, { schema, example, examples = {} }]) =>
      [
        example,
        ...Object.values<Json>(examples).map(({ $ref }) => document.components.examples[$ref.split('/').at(-1)].value),
      ]
        .filter((value) => value !== undefined)
        .map((value) => [path, schema, value]),
    );
    const checked = [
      ...find(document, (value) => value.example !== undefined && value.type !== undefined).map(([path, schema]) => [
        path,
        schema,
        schema.example,
      ]),
      ...parameters.map((parameter) => [parameter.name, parameter.schema, exampleOf(parameter)]),
      ...Object.entries<Json>(document.components.headers).map(([name, header]) => [
        name,
        header.schema,
        header.example,
      ]),
      ...ofMedia,
    ];
    expect(checked.length).toBeGreaterThan(150);
    expect(checked.filter(([, schema, value]) => !isValid(schema, value)).map(([path]) => path)).toEqual([]);
    const bodiless = media.filter(([path, one]) => path.includes('/responses/') && !one.example && !one.examples);
    expect(bodiless.map(([path]) => path)).toEqual([]);
  });

  it('has examples that the service accepts unchanged', async () => {
    await service.callback();
    const isSigned = ({ path }: Operation) => SIGNED_DIALECTS.some(({ name }) => path.startsWith(`/callbacks/${name}`));
    for (const operation of operations.filter((one) => !isSigned(one))) {
      const { path, method, requestBody, parameters } = operation;
      const exampleOf = ({ example, schema }: Json) => [example ?? schema.example].flat().join(',');
      // The participant in the examples is from Bandwidth, which has no scopes, a single participant has no order, and no labels are
      // indexed.
      const isUsed = ({ name }: Json) => !['scope', 'order', 'labels'].includes(name);
      const parametersIn = (place: string) => parameters.filter((one) => one.in === place && isUsed(one));
      const query = new URLSearchParams(
        parametersIn('query').map((one): [string, string] => [one.name, exampleOf(one)]),
      );
      const filled = parametersIn('path').reduce(
        (text, one) => text.replace(`{${one.name}}`, encodeURIComponent(exampleOf(one))),
        path,
      );
      const schema = requestBody?.content['application/json'].schema.$ref.split('/').at(-1);
      const members = Object.entries<Json>(document.components.schemas[schema]?.properties ?? {});
      const body = Object.fromEntries(members.map(([name, { example }]) => [name, example]));
      const { status, text } = await send(service.url, {
        method,
        path: query.size > 0 ? `${filled}?${query.toString()}` : filled,
        headers: {
          ...Object.fromEntries(parametersIn('header').map((one) => [one.name, exampleOf(one)])),
          ...(requestBody && { 'content-type': 'application/json' }),
        },
        ...(requestBody && { body: JSON.stringify(body) }),
      });
      // The position and the token in the examples are from another service, this service cannot mint URLs, the participant has been
      // ended by an earlier example, and history begins after the time in the examples.
      const expected = {
        acknowledgeIncident: 404,
        getQuarantinedCallback: 404,
        replayQuarantinedCallback: 404,
        deleteQuarantinedCallback: 404,
        getPastPresence: 400,
        getWebhookEndpoint: 404,
        changeWebhookEndpoint: 404,
        deleteWebhookEndpoint: 404,
        rotateWebhookSecret: 404,
        listWebhookDeliveries: 404,
        listWebhookDeadLetters: 404,
        retryWebhookDeadLetter: 404,
        replayWebhooks: 404,
        testWebhookEndpoint: 404,
        getWebhookRule: 404,
        changeWebhookRule: 404,
        deleteWebhookRule: 404,
        setAvailability: 409,
        listChanges: 410,
        mintCallbackUrl: 501,
      } as Json;
      const success = Number(Object.keys(operation.responses).findLast((one) => one < '300'));
      expect([operation.operationId, status, text]).toEqual([
        operation.operationId,
        expected[operation.operationId] ?? (path.includes('{token}') ? 404 : success),
        expect.anything(),
      ]);
    }
    expect(document.components.schemas.BandwidthCallback.properties.participantId.example).toBe(SEED.participantId);
  });
});

/** The patterns of all routes. */
function routePatterns(app: NestFastifyApplication): string[] {
  const tree = app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false, method: 'POST' });
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', text] = /^([│ ]*)[├└]── (\S+) \(/.exec(line) ?? [];
    if (text === undefined) return [];
    const depth = indent.length / 4;
    above.splice(depth, Number.POSITIVE_INFINITY, (above[depth - 1] ?? '') + text);
    return [above[depth] ?? ''];
  });
}
