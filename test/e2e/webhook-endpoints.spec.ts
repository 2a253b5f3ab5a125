// The endpoints of webhooks over HTTP.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { decodeEndpoint, type EndpointId, encodeEndpoint, signingSecrets } from '../../src/webhooks/endpoint.js';
import { signatureHeaders } from '../../src/webhooks/sending/signature.js';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, startService } from './service.js';
import { onEachStore } from './stores.js';

const PATH = '/v1/webhooks/endpoints';
const URL = 'http://127.0.0.1:49999/presence';

describe.each(onEachStore())('the endpoints of webhooks on %s', (_, open) => {
  let service: Service;
  beforeEach(async () => {
    service = await open();
  });
  afterEach(() => service.stop());

  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    service.request(PATH + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const create = (body: object = {}, headers?: Record<string, string>) =>
    call('POST', '', { url: URL, ...body }, headers);

  it('can be created, listed, changed and deleted', async () => {
    const created = await create({ description: 'Call centre', types: ['participant.gone'], tag: 'red', batch: 5 });
    expect(created.status).toBe(201);
    const { secret, ...endpoint } = created.json;
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(endpoint).toEqual({
      id: expect.stringMatching(/^ep_/),
      url: URL,
      description: 'Call centre',
      types: ['participant.gone'],
      tag: 'red',
      batch: 5,
      headerNames: [],
      enabled: true,
      declared: false,
      delivery: { waiting: 0, unread: 0, lagMs: 0, failures: 0 },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect((await call('GET', '')).json).toEqual({ items: [endpoint] });
    const found = await call('GET', `/${endpoint.id}`);
    expect(found.json).toEqual(endpoint);
    expect(found.headers.get('etag')).toBe(created.headers.get('etag'));
    const patch = { tag: null, batch: 1, headers: { 'X-Key': 'a secret' }, enabled: false };
    const changed = await call('PATCH', `/${endpoint.id}`, patch);
    const { tag: _tag, ...rest } = endpoint;
    const now = { ...rest, batch: 1, headerNames: ['X-Key'], enabled: false, updatedAt: expect.any(String) };
    expect([changed.status, changed.json]).toEqual([200, now]);
    expect((await call('GET', `/${endpoint.id}`)).json).toEqual(now);
    expect((await call('DELETE', `/${endpoint.id}`)).status).toBe(204);
    expect((await call('GET', `/${endpoint.id}`)).json.type).toBe('urn:rollcall:problem:unknown-endpoint');
    expect((await call('DELETE', `/${endpoint.id}`)).status).toBe(404);
    expect((await call('GET', '')).json).toEqual({ items: [] });
    expect(JSON.stringify(service.logged)).not.toContain('a secret');
  });

  it('are changed only by whoever knows their state', async () => {
    const created = await create();
    const path = `/${created.json.id}`;
    const first = { 'if-match': String(created.headers.get('etag')) };
    const changed = await call('PATCH', path, { batch: 2 }, first);
    expect(changed.status).toBe(200);
    const late = await call('PATCH', path, { batch: 3 }, first);
    expect([late.status, late.json.type]).toEqual([412, 'urn:rollcall:problem:endpoint-changed']);
    expect((await call('DELETE', path, undefined, first)).status).toBe(412);
    expect((await call('GET', path)).json.batch).toBe(2);
    const second = { 'if-match': String(changed.headers.get('etag')) };
    const both = await Promise.all([3, 4].map((batch) => call('PATCH', path, { batch }, second)));
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 412]));
    expect((await call('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(204);
  });

  it('are created once for one Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'deploy 7' };
    const answers = await Promise.all([create({}, key), create({}, key), create({}, key)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await call('GET', '')).json.items).toHaveLength(1);
    const other = await create({ batch: 9 }, key);
    expect([other.status, other.json.type]).toEqual([422, 'urn:rollcall:problem:idempotency-key-reused']);
    expect((await create({}, { 'idempotency-key': 'deploy 8' })).json.id).not.toBe(answers[0]?.json.id);
    expect((await create()).json.id).not.toBe((await create()).json.id);
  });

  it('have a secret that can be replaced, with an overlap', async () => {
    const { id, secret } = (await create()).json;
    const rotated = (await call('POST', `/${id}/secret/rotate`, { overlapSeconds: 3_600 })).json;
    expect(rotated.secret).not.toBe(secret);
    const endpoint = decodeEndpoint(String(await service.storage.webhookSettings.get(id as EndpointId)));
    const untilMs = Date.parse(rotated.previousUntil);
    const message = { id: 'msg_1', timestampS: Math.floor(Date.now() / 1_000), body: '{}' };
    const verify = (text: string, nowMs: number) => () =>
      new Webhook(text).verify('{}', signatureHeaders(message, signingSecrets(endpoint, nowMs)));
    expect(verify(rotated.secret, untilMs - 1)).not.toThrow();
    expect(verify(secret, untilMs - 1)).not.toThrow();
    expect(verify(rotated.secret, untilMs)).not.toThrow();
    expect(verify(secret, untilMs)).toThrow();
  });

  it.each([
    [{ url: 'http://10.0.0.1/x' }, '#/url'],
    [{ url: 'ftp://127.0.0.1/x' }, '#/url'],
    [{ url: 'http://nowhere.invalid/' }, '#/url'],
    [{ url: 5 }, '#/url'],
    [{ types: [] }, '#/types'],
    [{ types: ['participant.left'] }, '#/types'],
    [{ source: 'unknown' }, '#/source'],
    [{ batch: 101 }, '#/batch'],
    [{ batch: null }, '#/batch'],
    [{ headers: { host: 'x' } }, '#/headers/host'],
    [{ headers: { 'webhook-id': 'x' } }, '#/headers/webhook-id'],
    [{ headers: { 'x-a': 'b\r\nc: d' } }, '#/headers/x-a'],
    [{ tag: '' }, '#/tag'],
    [{ enabled: 'yes' }, '#/enabled'],
    [{ color: 'red' }, '#/color'],
  ])('are refused with %j', async (members, pointer) => {
    const answer = await create(members);
    expect([answer.status, answer.json.errors?.map((error: { pointer: string }) => error.pointer)]).toEqual([
      400,
      [pointer],
    ]);
    expect((await call('GET', '')).json.items).toEqual([]);
  });
});

describe('the endpoints of WEBHOOK_ENDPOINTS', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const declared = { name: 'call-centre', secret, url: URL, tag: 'red' };

  it('are made, changed and removed at the start, and only there', async () => {
    const redis = await RedisServer.start();
    const stores = { redisUrl: redis.url, redisPrefix: 'declared' };
    const start = (list: readonly unknown[]) => startService({ ...stores, webhooks: { declared: list } });
    const listOf = async (service: Service) => (await service.request(PATH)).json.items;
    let service = await start([declared]);
    let made: { readonly createdAt?: string } = {};
    await eventually(async () => {
      [made] = await listOf(service);
      expect(made).toMatchObject({ id: 'ep_call-centre', tag: 'red', declared: true });
    });
    for (const [method, path] of [
      ['DELETE', ''],
      ['PATCH', ''],
      ['POST', '/secret/rotate'],
    ]) {
      const body = method === 'DELETE' ? {} : { body: '{}', headers: { 'content-type': 'application/json' } };
      const answer = await service.request(`${PATH}/ep_call-centre${path}`, { method: String(method), ...body });
      expect([answer.status, answer.json.type]).toEqual([409, 'urn:rollcall:problem:declared-endpoint']);
    }
    await service.stop();
    service = await start([declared]);
    await eventually(async () => expect(await listOf(service)).toEqual([made]));
    await service.stop();
    service = await start([{ ...declared, tag: 'blue' }]);
    const changed = [{ id: 'ep_call-centre', tag: 'blue', createdAt: made.createdAt }];
    await eventually(async () => expect(await listOf(service)).toMatchObject(changed));
    await service.stop();
    service = await start([]);
    await eventually(async () => expect(await listOf(service)).toEqual([]));
    await service.stop();
    await redis.stop();
  });

  it('are no longer shown as disabled once they are enabled again', async () => {
    const redis = await RedisServer.start();
    const start = (one: object) =>
      startService({ redisUrl: redis.url, redisPrefix: 'disabled', webhooks: { declared: [one] } });
    const find = async (service: Service) => (await service.request(`${PATH}/ep_call-centre`)).json;
    let service = await start(declared);
    await eventually(async () => expect(await find(service)).toMatchObject({ enabled: true }));
    const id = 'ep_call-centre' as EndpointId;
    const { webhookSettings } = service.storage;
    const text = String(await webhookSettings.get(id));
    const disabled = { reason: 'gone', atMs: 1 } as const;
    const gone = encodeEndpoint({ ...decodeEndpoint(text), isEnabled: false, disabled });
    expect(await webhookSettings.replace(id, text, gone)).toBe(true);
    expect(await find(service)).toMatchObject({ enabled: false, disabled: { reason: 'gone' } });
    await service.stop();
    service = await start({ ...declared, enabled: false, tag: 'blue' });
    const kept = { enabled: false, tag: 'blue', disabled: { reason: 'gone' } };
    await eventually(async () => expect(await find(service)).toMatchObject(kept));
    await service.stop();
    service = await start(declared);
    await eventually(async () => expect(await find(service)).toMatchObject({ enabled: true }));
    expect((await find(service)).disabled).toBeUndefined();
    await service.stop();
    await redis.stop();
  });

  it.each([
    [{ ...declared, secret: 'short' }, /secrets/],
    [{ ...declared, name: 'No Name' }, /names/],
    [{ ...declared, url: 'https://10.0.0.1' }, /endpoint 1: url must not/],
    [{ ...declared, batch: 0 }, /endpoint 1: batch must/],
    [5, /names/],
  ])('prevent the start if they are not valid: %j', async (entry, message) => {
    await expect(startService({ webhooks: { declared: [entry] } })).rejects.toThrow(message);
  });
});
