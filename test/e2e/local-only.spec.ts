// Without keys the service answers local clients on loopback, but not web pages or proxies that reach it through loopback.
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { type HttpResponse, send } from '../openapi/client.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const SECRET = 'a-callback-secret-of-32-characters-or-more';
const KEYS = {
  apiKeys: parseApiKeys(`ops:read+admin:${digestOf('the-key').toString('hex')}`),
  callbackSecrets: [SECRET],
  publicUrl: 'https://rollcall.example.com',
};
const JSON_TYPE = { 'content-type': 'application/json' };
const FOREIGN: [Record<string, string>, string][] = [
  [{ host: 'attacker.example.com' }, 'foreign-host'],
  [{ host: 'localhost.attacker.example.com:3000' }, 'foreign-host'],
  [{ host: '0.0.0.0:3000' }, 'foreign-host'],
  [{ 'x-forwarded-for': '203.0.113.7' }, 'forwarded-request'],
  [{ forwarded: 'for=203.0.113.7' }, 'forwarded-request'],
  [{ via: '1.1 proxy' }, 'forwarded-request'],
];

describe.each(onEachStore())('without keys on %s', (_, startOn) => {
  let service: Service;
  const start = async (options?: ServiceOptions) => {
    service = await startOn(options);
  };
  afterEach(() => service.stop());

  const get = (path: string, headers: Record<string, string> = {}) =>
    send(service.url, { method: 'GET', path, headers: { ...headers } });
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    send(service.url, { method: 'POST', path, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });
  const expectRefused = ({ status, text }: HttpResponse, setting: string, reason: string) => {
    const problem = JSON.parse(text);
    expect([status, problem.type]).toEqual([403, 'urn:rollcall:problem:local-only']);
    expect(problem.detail).toContain(`Set ${setting} to allow other requests.`);
    const requestId = problem.instance.split(':').at(-1);
    expect(service.logged).toContainEqual(expect.objectContaining({ reason, requestId, level: 40 }));
  };

  it.each(FOREIGN)('REST rejects a request with %p', async (headers, reason) => {
    await start();
    await service.callback();
    const odd = SEED.participantId.replace('4', '%34');
    for (const path of [`/v1/participants/${SEED.participantId}`, `/v1/participants/${odd}`, '/v1/changes/stream']) {
      expectRefused(await get(path, headers), 'API_KEYS', reason);
    }
    expectRefused(await post('/v1/participants/lookup', { participantIds: ['a'] }, headers), 'API_KEYS', reason);
    const end = { method: 'DELETE', path: `/v1/participants/${SEED.participantId}`, headers };
    expectRefused(await send(service.url, end), 'API_KEYS', reason);
    expect(JSON.parse((await get(`/v1/participants/${SEED.participantId}`)).text).state).toBe('connected');
  });

  it.each(FOREIGN)('callbacks with %p are rejected and not stored', async (headers, reason) => {
    await start();
    expectRefused(await post('/callbacks/bandwidth', SEED, headers), 'CALLBACK_SECRETS', reason);
    const { 'content-type': type } = JSON_TYPE;
    const byRouter = { ...headers, 'content-type': `${type}; charset=utf-8` };
    expectRefused(await post('/callbacks/bandwidth', SEED, byRouter), 'CALLBACK_SECRETS', reason);
    expect(JSON.parse((await get('/v1/participants?state=connected,reconnecting,gone')).text).items).toEqual([]);
  });

  it.each(FOREIGN)('probes and the API document answer a request with %p, but without details', async (headers) => {
    await start();
    for (const path of ['/health/live', '/openapi.json', '/docs']) expect((await get(path, headers)).status).toBe(200);
    expect(JSON.parse((await get('/health/ready', headers)).text)).toEqual({ status: 'ok' });
    expect(JSON.parse((await get('/health/ready')).text)).toHaveProperty('details');
  });

  it.each(FOREIGN)('API keys and callback secrets are checked independently for a request with %p', async (headers) => {
    await start({ access: { ...KEYS, callbackSecrets: [] } });
    const read = { ...headers, authorization: 'Bearer the-key' };
    expect((await get('/v1/participants', read)).status).toBe(200);
    expect((await post('/callbacks/bandwidth', SEED, headers)).status).toBe(403);
    await service.stop();
    await start({ access: { ...KEYS, apiKeys: [] } });
    expect((await get('/v1/participants', headers)).status).toBe(403);
    expect((await post(`/callbacks/bandwidth/${SECRET}`, SEED, headers)).status).toBe(204);
  });

  it.each(FOREIGN)('AUTH=off accepts a request with %p', async (headers) => {
    await start({ access: { isRequired: false } });
    expect((await post('/callbacks/bandwidth', SEED, headers)).status).toBe(204);
    expect((await get(`/v1/participants/${SEED.participantId}`, headers)).status).toBe(200);
    expect((await get('/v1/participants', headers)).status).toBe(200);
  });

  it.each(['localhost', 'rollcall.localhost:8080', '127.0.0.1:3000', '[::1]:3000'])('%s is local', async (host) => {
    await start();
    expect((await post('/callbacks/bandwidth', SEED, { host })).status).toBe(204);
    expect((await get(`/v1/participants/${SEED.participantId}`, { host })).status).toBe(200);
    expect((await get('/v1/participants', { host })).status).toBe(200);
  });
});
