// Bandwidth's own server SDK works with the simulated API of BRTC; requests that the SDK cannot send are sent with fetch().
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EndpointStatusEnum } from 'bandwidth-sdk';
import { decodeJwt } from 'jose';
import { eventually } from '../eventually.js';
import { ACCOUNT, BrtcCustomer, ENDPOINT, FORM, failureOf } from './brtc-customer.js';
import { Receiver } from './receiver.js';

const ENVELOPE = { links: [], data: null };

describe('the API of BRTC', () => {
  let customer: BrtcCustomer;
  beforeEach(async () => {
    customer = await BrtcCustomer.start();
  });
  afterEach(() => customer.simulator.close());

  it.each([
    ['an access token', () => customer.apiWithToken()],
    ['Basic credentials', () => customer.api()],
  ])('creates, gets, lists and deletes endpoints with %s', async (_, client) => {
    const settings = { ...ENDPOINT, tag: '{"myTag": "myTagValue"}', eventCallbackUrl: 'http://127.0.0.1:9/callbacks' };
    const created = await client().createEndpoint(ACCOUNT, settings);
    expect(created.status).toBe(201);
    const { token, ...endpoint } = created.data.data;
    const { endpointId, creationTimestamp, expirationTimestamp } = endpoint;
    expect(endpoint).toMatchObject({ type: 'WEBRTC', status: 'DISCONNECTED', devices: [], tag: settings.tag });
    expect(endpointId).toMatch(/^e-[\da-f-]{36}$/);
    expect(Date.parse(expirationTimestamp) - Date.parse(creationTimestamp)).toBe(86_400_000);
    expect(decodeJwt(token)).toMatchObject({ p: endpointId });
    const self = `${customer.url}/v2/accounts/${ACCOUNT}/endpoints`;
    expect(created.data).toMatchObject({ links: [{ rel: 'endpoint', href: `${self}/${endpointId}` }], errors: [] });
    expect((await client().getEndpoint(ACCOUNT, endpointId)).data.data).toEqual(endpoint);
    const { data, page } = (await client().listEndpoints(ACCOUNT)).data;
    const { devices: _devices, ...listed } = endpoint;
    expect([data, page]).toEqual([[listed], { pageSize: 100, totalElements: 1, totalPages: 1 }]);
    expect((await client().deleteEndpoint(ACCOUNT, endpointId)).status).toBe(204);
    expect(await failureOf(client().getEndpoint(ACCOUNT, endpointId))).toMatchObject({ status: 404 });
    expect((await client().listEndpoints(ACCOUNT)).data.data).toEqual([]);
  });

  it('lists connected endpoints page by page, also while endpoints are deleted', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.push((await customer.create()).endpointId);
    const connected = ids.filter((_, n) => n !== 2);
    for (const id of connected) await customer.connect(id);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const { data } = await customer.api().listEndpoints(ACCOUNT, undefined, EndpointStatusEnum.Connected, cursor, 2);
      expect(data.data.every(({ status }) => status === 'CONNECTED')).toBe(true);
      found.push(...data.data.map(({ endpointId }) => endpointId));
      const next = data.links.find(({ rel }) => rel === 'next');
      const search = next && new URL(next.href ?? '').searchParams;
      expect(search?.get('status') ?? 'CONNECTED').toBe('CONNECTED');
      cursor = search?.get('afterCursor') ?? undefined;
      // The last one of the page that the cursor names.
      if (found.length === 2) await customer.api().deleteEndpoint(ACCOUNT, found[1] ?? '');
    } while (cursor !== undefined);
    expect(found).toEqual(connected);
    const { data } = await customer.api().listEndpoints(ACCOUNT, undefined, EndpointStatusEnum.Disconnected);
    expect(data.data.map(({ endpointId }) => endpointId)).toEqual([ids[2]]);
  });

  it('shows the device of an endpoint, which can have one connection at a time', async () => {
    const { endpointId } = await customer.create();
    const deviceId = await customer.connect(endpointId);
    const second = await customer.control('POST', `/participants/${endpointId}/devices`);
    expect(second.status).toBe(409);
    const { data } = (await customer.api().getEndpoint(ACCOUNT, endpointId)).data;
    expect(data).toMatchObject({ status: 'CONNECTED', devices: [{ deviceId, status: 'CONNECTED' }] });
    await customer.act(endpointId, deviceId, 'drop');
    expect(await customer.connect(endpointId)).not.toBe(deviceId);
  });

  it('answers errors in its own format', async () => {
    const id = expect.any(String);
    const notFound = { id, type: 'resource_not_found', description: expect.any(String), code: '404' };
    const unauthorized = { id, type: 'unauthorized', description: expect.any(String), code: '401' };
    expect(await failureOf(customer.api().getEndpoint(ACCOUNT, 'e-1'))).toEqual({
      status: 404,
      body: { ...ENVELOPE, errors: [notFound] },
    });
    expect(await failureOf(customer.api().listEndpoints('1'))).toMatchObject({
      status: 404,
      body: { errors: [notFound] },
    });
    const wrong = [{ username: 'user', password: 'wrong' }, { accessToken: async () => 'wrong' }, {}];
    for (const credentials of wrong) {
      expect(await failureOf(customer.api(credentials).listEndpoints(ACCOUNT))).toEqual({
        status: 401,
        body: { ...ENVELOPE, errors: [unauthorized] },
      });
    }
    const participant = await customer.control('POST', '/participants', {});
    const { participantId } = (await participant.json()) as { participantId: string };
    expect(await failureOf(customer.api().deleteEndpoint(ACCOUNT, participantId))).toMatchObject({ status: 404 });
  });

  it.each([
    ['no type', { type: undefined }, 'type'],
    ['another type', { type: 'SIP' }, 'type'],
    ['no direction', { direction: undefined }, 'direction'],
    ['a tag of 1,025 characters', { tag: 'x'.repeat(1_025) }, 'tag'],
    ['a URL on a host that is not allowed', { eventCallbackUrl: 'http://svc.example/' }, 'eventCallbackUrl'],
    ['a fallback URL on such a host', { eventFallbackUrl: 'http://svc.example/' }, 'eventFallbackUrl'],
    ['a fallback URL that is not a URL', { eventFallbackUrl: 'svc' }, 'eventFallbackUrl'],
  ])('rejects an endpoint with %s', async (_, parts, mentioned) => {
    const { status, body } =
      (await failureOf(customer.api().createEndpoint(ACCOUNT, { ...ENDPOINT, ...parts } as never))) ?? {};
    expect(status).toBe(400);
    const description = expect.stringContaining(mentioned);
    expect(body).toMatchObject({ ...ENVELOPE, errors: [{ type: 'invalid_parameter', description }] });
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'status=LOST', 'type=SIP', 'afterCursor=nonsense', 'status=A&status=B'])(
    'rejects a list with %s',
    async (query) => {
      const response = await customer.list(query);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ ...ENVELOPE, errors: [{ type: 'invalid_parameter' }] });
    },
  );

  it('issues access tokens to clients with the right credentials only, and accepts forms nowhere else', async () => {
    const { status, json } = await customer.fetchToken();
    expect([status, json]).toEqual([
      200,
      { access_token: expect.any(String), token_type: 'Bearer', expires_in: 3_600 },
    ]);
    expect(await customer.fetchToken(`Basic ${btoa('user:wrong')}`)).toEqual({
      status: 401,
      json: { error: 'invalid_client' },
    });
    expect(await customer.fetchToken(undefined, 'grant_type=password')).toEqual({
      status: 400,
      json: { error: 'unsupported_grant_type' },
    });
    const init = { method: 'POST', headers: { 'content-type': FORM }, body: 'a=b' };
    for (const path of ['/control/participants', `/v2/accounts/${ACCOUNT}/endpoints`]) {
      expect((await fetch(customer.url + path, init)).status).toBe(415);
    }
  });

  it('deletes an endpoint when its lifetime is over, which ends its connection', async () => {
    await customer.simulator.close();
    customer = await BrtcCustomer.start({ endpointLifetimeMs: 500 });
    const { host, received } = await Receiver.start();
    const { endpointId } = await customer.create({ eventCallbackUrl: `http://${host}/` });
    await customer.connect(endpointId);
    await eventually(() => expect(received.some(({ body }) => body.includes('endpointDisconnected'))).toBe(true));
    expect(await failureOf(customer.api().getEndpoint(ACCOUNT, endpointId))).toMatchObject({ status: 404 });
  });
});
