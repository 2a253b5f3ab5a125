// What is true of each dialect whose callbacks are signed: which of them are accepted, and that no others change anything.
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { systemClock } from '../../src/runtime/clock.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { eventually } from '../eventually.js';
import {
  environmentOf,
  PUBLIC_URL,
  SIGNED_DIALECTS,
  type SignedDialect,
  sentBody,
} from '../sources/signed-dialects.js';
import { type Service, type ServiceOptions, startService } from './service.js';

const SECRET = 'a-callback-secret-of-32-characters-or-more';

/** Two sources with different secrets, in a service that other machines may reach. */
async function startWith(dialect: SignedDialect, options: ServiceOptions = {}): Promise<Service> {
  const { sources } = readConfig(DIALECTS, environmentOf(dialect, { first: 1, second: 2 }));
  const access = { callbackSecrets: [SECRET], publicUrl: PUBLIC_URL };
  return startService({ sources, access, logLevel: 'trace', ...options });
}

describe.each(SIGNED_DIALECTS.map((dialect) => [dialect.name, dialect] as const))('callbacks of %s', (_, dialect) => {
  let service: Service;
  beforeAll(async () => {
    service = await startWith(dialect);
  });
  afterAll(() => service.stop());

  const needsSecret = DIALECTS[dialect.name]?.needsSecret === true;
  const urlOf = (source: string) => `/callbacks/${source}${needsSecret ? `/${SECRET}` : ''}`;
  const post = (body: string, headers: Readonly<Record<string, string>>, path = urlOf('first'), to = service) =>
    to.request(path, {
      method: 'POST',
      headers: { 'content-type': dialect.contentType, ...headers },
      body: sentBody(dialect, body, headers),
    });
  const send = async (body: string, path?: string) => post(body, await dialect.sign(body, 1, path), path);
  const participant = async (id: string, source = 'first') =>
    (await service.request(`/v1/participants/${id}?source=${source}&scope=room`)).json;
  const applied = dialect.acknowledgement ?? 204;
  const feed = async () => (await service.request('/v1/changes')).json.position;

  it('need nothing but their signature, unless the dialect says so, and change presence', async () => {
    expect(await send(dialect.connect('ann'))).toMatchObject({ status: applied });
    expect(await participant('ann')).toMatchObject({
      state: 'connected',
      tag: 'room',
      devices: [{ state: 'connected' }],
    });
    expect(await send(dialect.leave('ann'))).toMatchObject({ status: applied });
    expect(await participant('ann')).toMatchObject({ state: 'gone', cause: 'left' });
    const bob = dialect.connect('bob');
    if (needsSecret) expect(await send(bob, '/callbacks/first')).toMatchObject({ status: 401 });
    expect(await send(bob, `/callbacks/first/${SECRET}`)).toMatchObject({ status: applied });
    const charset = { ...(await dialect.sign(bob)), 'content-type': `${dialect.contentType}; charset=utf-8` };
    expect(await post(bob, charset)).toMatchObject({ status: applied });
  });

  it('change nothing if they are sent again', async () => {
    const body = dialect.connect('carl');
    const headers = await dialect.sign(body);
    expect((await post(body, headers)).status).toBe(applied);
    const position = await feed();
    expect((await post(body, headers)).status).toBe(applied);
    expect(await feed()).toBe(position);
  });

  it('are refused without their signature, and not logged', async () => {
    const position = await feed();
    const body = dialect.connect('mallory');
    const headers = await dialect.sign(body);
    const other = dialect.connect('mallory2');
    const refused = [
      await post(body, {}),
      await post(body, await dialect.sign(body, 2)),
      await post(body, headers, urlOf('second')),
      await post(other, headers),
      await post(`${body} `, headers),
      await post('', headers),
      await post(body, Object.fromEntries(Object.keys(headers).map((name) => [name, 'x']))),
      await post(body, {}, `/callbacks/first/${SECRET}`),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
    for (const { json } of refused) expect(json.type).toBe('urn:rollcall:problem:unauthorized');
    expect((await post(body, headers, '/callbacks/first/a-wrong-secret')).status).toBe(404);
    expect(await feed()).toBe(position);
    expect((await service.request('/v1/quarantine')).json.items).toEqual([]);
    const log = JSON.stringify(service.logged);
    expect(log).toContain('wrong-signature');
    const signature = Object.values(headers).filter(({ length }) => length > 20);
    expect(signature).not.toHaveLength(0);
    for (const secret of [...signature, 'mallory', SECRET]) expect(log).not.toContain(secret);
  });

  it(`are ${dialect.isUndated ? 'accepted' : 'refused'} if they are too old or too new`, async () => {
    const body = dialect.connect('dora');
    const headers = await dialect.sign(body);
    const refusals = dialect.isUndated ? [] : [{ kind: 'callback', reason: 'outdated-signature', count: 1 }];
    for (const hours of [3, -3]) {
      const clock = { ...systemClock, now: () => Date.now() + hours * 3_600_000 };
      const other = await startWith(dialect, { clock });
      expect((await post(body, headers, undefined, other)).status).toBe(dialect.isUndated ? applied : 401);
      expect(other.refusals.totals()).toEqual(refusals);
      await other.stop();
    }
  });

  it('are refused if they are not what they should be', async () => {
    const statusOf = async (body: string, headers: Readonly<Record<string, string>> = {}) =>
      (await post(body, { ...(await dialect.sign(body)), ...headers })).status;
    const body = dialect.connect('eve');
    expect(await statusOf(body, { 'content-type': 'text/html' })).toBe(415);
    expect(await statusOf(body, { 'content-type': 'application/xml' })).toBe(415);
    const overhead = sentBody(dialect, body, await dialect.sign(body)).length - body.length;
    expect(await statusOf(body.padEnd(65_537 - overhead))).toBe(413);
    expect(await statusOf(body.padEnd(65_536 - overhead))).toBe(applied);
    for (const lie of ['{', '""', 'null', '1', '[[]]', '{}', ...dialect.lies]) {
      expect([lie, await statusOf(lie)]).toEqual([lie, 400]);
    }
    expect(await participant('7')).toMatchObject({ status: 404 });
  });

  it('are ignored, or kept if they are not known', async () => {
    expect((await send(dialect.ignored())).status).toBe(applied);
    expect((await send(dialect.unknown())).status).toBe(dialect.acknowledgement ?? 202);
    await eventually(async () => {
      const { items } = (await service.request('/v1/quarantine?reason=unknown-event')).json;
      expect(items).toMatchObject([{ source: 'first', reason: 'unknown-event' }]);
    });
  });
});

describe.each(SIGNED_DIALECTS.map((dialect) => [dialect.name, dialect] as const))('a source of %s', (name, dialect) => {
  it('needs its secrets at the start', () => {
    const environment = environmentOf(dialect, { 'my-source': 1 });
    expect(readConfig(DIALECTS, environment).sources[0]).toMatchObject({ name: 'my-source', dialect: name });
    const withoutUrl = expect(() => readConfig(DIALECTS, { ...environment, PUBLIC_URL: '' }));
    if (DIALECTS[name]?.signsUrl) withoutUrl.toThrow('PUBLIC_URL must be set');
    else withoutUrl.not.toThrow();
    for (const setting of Object.keys(dialect.settings(1))) {
      const { [`SOURCE_MY_SOURCE_${setting}`]: secret = '', ...others } = environment;
      expect(() => readConfig(DIALECTS, others)).toThrow(`SOURCE_MY_SOURCE_${setting} must be set`);
      const invalid = { ...others, [`SOURCE_MY_SOURCE_${setting}`]: `${secret},hunter2` };
      expect(() => readConfig(DIALECTS, invalid)).toThrow(`SOURCE_MY_SOURCE_${setting} must be`);
      expect(() => readConfig(DIALECTS, invalid)).not.toThrow('hunter2');
      const folder = mkdtempSync(join(tmpdir(), 'rollcall-signed-'));
      const file = join(folder, 'secret');
      writeFileSync(file, `${secret}\n`);
      expect(readConfig(DIALECTS, { ...others, [`SOURCE_MY_SOURCE_${setting}_FILE`]: file }).sources).toEqual(
        readConfig(DIALECTS, environment).sources,
      );
      rmSync(folder, { recursive: true });
    }
  });

  it('answers 503 while it is not configured', async () => {
    const service = await startService();
    const body = dialect.connect('ann');
    const headers = { 'content-type': dialect.contentType, ...(await dialect.sign(body)) };
    const { status, json } = await service.request(`/callbacks/${name}`, { method: 'POST', headers, body });
    expect([status, json.type]).toEqual([503, 'urn:rollcall:problem:source-not-configured']);
    await service.stop();
  });
});

describe('the API document', () => {
  it('describes all of them', async () => {
    const [first, ...others] = SIGNED_DIALECTS.flatMap((dialect) => {
      return readConfig(DIALECTS, environmentOf(dialect, { [dialect.name]: 1 })).sources;
    });
    if (!first) throw new Error('there is no dialect with signatures');
    const service = await startService({ sources: [first, ...others] });
    const { json } = await service.request('/openapi.json');
    await service.stop();
    for (const { name, contentType } of SIGNED_DIALECTS) {
      const { description, requestBody } = json.paths[`/callbacks/${name}`].post;
      expect(description).toContain('must be signed');
      expect(Object.keys(requestBody.content)).toContain(contentType);
    }
  });
});

describe('the validation of a URL by Zoom', () => {
  it('is answered only if it is signed', async () => {
    const dialect = SIGNED_DIALECTS.find(({ name }) => name === 'zoom') as SignedDialect;
    const service = await startWith(dialect);
    const event = { event: 'endpoint.url_validation', event_ts: Date.now(), payload: { plainToken: 'plain' } };
    const body = JSON.stringify(event);
    const validate = (headers: object) =>
      service.request('/callbacks/first', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
    const encryptedToken = createHmac('sha256', 'secret-token-of-source-1').update('plain').digest('hex');
    const { status, json } = await validate(await dialect.sign(body));
    expect([status, json]).toEqual([200, { plainToken: 'plain', encryptedToken }]);
    const unsigned = await validate(await dialect.sign(body, 2));
    expect([unsigned.status, unsigned.text]).toEqual([401, expect.not.stringContaining('plain')]);
    await service.stop();
  });
});
