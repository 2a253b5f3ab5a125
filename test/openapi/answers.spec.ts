// The API document promises what the running service answers: each answer fits its schema, and a client that is generated
// from the document compiles against it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { startService } from '../e2e/service.js';
import { createValidators, type Json, operationsOf } from './document.js';
import { type RealAnswer, RealAnswers, UNPROVOKED } from './real-answers.js';

const TSC = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'tsc');

describe('the answers of the running service', () => {
  const real = new RealAnswers();
  let document: Json;
  beforeAll(async () => {
    const service = await startService();
    document = (await service.request('/openapi.json')).json;
    await service.stop();
    await real.collect(operationsOf(document));
  }, 120_000);
  afterAll(() => real.stop());

  it('have every status that the document lists, and no other', () => {
    const listed = operationsOf(document).flatMap(({ operationId, responses }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    );
    const seen = new Set(real.all.map(({ operation, status }) => `${operation.operationId} ${status}`));
    expect(listed.filter((one) => !seen.has(one) && !UNPROVOKED.includes(one.split(' ')[1] ?? ''))).toEqual([]);
    expect([...seen].filter((one) => !listed.includes(one))).toEqual([]);
    expect(seen.size).toBeGreaterThan(100);
  });

  it('fit the schemas and examples of the document, and have the headers that it promises', () => {
    const compile = createValidators(document);
    for (const { operation, status, headers, mediaType, body } of real.all) {
      const where = [operation.operationId, status, body];
      const response = operation.responses[status];
      if (body === undefined) expect([...where, response?.content]).toEqual([...where, undefined]);
      else {
        const validate = compile(response?.content[mediaType].schema);
        validate(body);
        expect([...where, validate.errors]).toEqual([...where, null]);
      }
      if (Number(status) >= 400) {
        const { examples } = response?.content['application/problem+json'] ?? {};
        expect(Object.keys(examples)).toContain(body.type.replace('urn:rollcall:problem:', ''));
        expect(body.status).toBe(Number(status));
      }
      const required = Object.entries<Json>(response?.headers ?? {}).filter(([name, { $ref }]) =>
        $ref ? document.components.headers[name].required : response?.headers[name].required,
      );
      expect(headers).toMatchObject(
        Object.fromEntries(required.map(([name]) => [name.toLowerCase(), expect.any(String)])),
      );
      const isDocumented = (name: string) =>
        Object.keys(response?.headers ?? {}).some((one) => one.toLowerCase() === name);
      const known = Object.keys(headers).filter((name) =>
        /^(ratelimit-|retry-after|www-authenticate|etag|allow)/.test(name),
      );
      expect([...where, known.filter((name) => !isDocumented(name))]).toEqual([...where, []]);
    }
  });

  it('have events on the stream whose data fits its schema', () => {
    const compile = createValidators(document);
    const events = real.all.filter(({ mediaType }) => mediaType === 'text/event-stream').map(({ body }) => body);
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['device.connected', 'position', 'reset']));
    for (const { event, data } of events) {
      const name = event === 'position' || event === 'reset' ? 'PositionEvent' : 'ChangeEvent';
      const validate = compile(document.components.schemas[name].properties.data.contentSchema);
      validate(JSON.parse(data));
      expect([data, validate.errors]).toEqual([data, null]);
    }
  });

  it('are of the types of a client that openapi-typescript generates, and nothing else is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-client-'));
    try {
      writeFileSync(join(folder, 'api.ts'), astToString(await openapiTypescript(document)));
      writeFileSync(join(folder, 'answers.ts'), programOf(real.all));
      const compile = () => spawnSync(TSC, [...TSC_OPTIONS, 'answers.ts'], { cwd: folder, encoding: 'utf8' });
      const { status, stdout } = compile();
      expect([status, stdout]).toEqual([0, '']);
      const page = real.all.find(({ operation }) => operation.operationId === 'listChanges') as RealAnswer;
      const [change] = page.body.items;
      const wrong = [
        { ...change, state: 'present' },
        { ...change, at: 1_628_786_234_676 },
        { ...change, previousState: undefined },
        { ...change, color: 'red' },
      ];
      writeFileSync(
        join(folder, 'answers.ts'),
        programOf(wrong.map((item) => ({ ...page, body: { ...page.body, items: [item] } }))),
      );
      expect(compile().stdout.match(/error TS\d+/g)).toHaveLength(wrong.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});

const TSC_OPTIONS = [
  '--noEmit',
  '--strict',
  '--exactOptionalPropertyTypes',
  '--module',
  'nodenext',
  '--target',
  'es2022',
];

/** A program that has each answer as a value of the type that the client gives it. */
function programOf(answers: readonly RealAnswer[]): string {
  const values = answers
    .filter(({ body }) => body !== undefined)
    .map(({ operation, status, mediaType, body }, index) => {
      const type = `operations['${operation.operationId}']['responses'][${status}]['content']['${mediaType}']`;
      return `export const answer${index}: ${type} = ${JSON.stringify(body)};`;
    });
  return ["import type { operations } from './api.js';", ...values].join('\n');
}
