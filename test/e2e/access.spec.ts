// Authentication and authorization, and the responses to rejected requests.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { ManualClock } from '../manual-clock.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const SECRETS = ['first-secret-of-32-characters-or-more', 'second-secret-of-32-characters-or-more'] as const;
const KEYS = { reader: 'key-of-the-reader', ops: 'key-of-the-operators', admin: 'key-of-the-admin' };
const entryOf = (name: string, scopes: string, key: string) => `${name}:${scopes}:${digestOf(key).toString('hex')}`;
const API_KEYS = parseApiKeys(
  [
    entryOf('reader', 'read', KEYS.reader),
    entryOf('ops', 'read+admin', KEYS.ops),
    entryOf('admin', 'admin', KEYS.admin),
  ].join(),
);
const LOCKED = {
  access: { apiKeys: API_KEYS, callbackSecrets: SECRETS, publicUrl: 'https://rollcall.example.com/base' },
} satisfies ServiceOptions;

const basic = (password: string, user = 'anybody') => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe.each(onEachStore())('access on %s', (_, start) => {
  let service: Service;
  beforeEach(async () => {
    service = await start(LOCKED);
  });
  afterEach(() => service.stop());

  const get = (path: string, headers: Record<string, string> = {}) => service.request(path, { headers });
  const send = (path: string, body: unknown = SEED, headers: Record<string, string> = {}) =>
    service.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const mint = async (body: Record<string, unknown> = {}) => {
    const answer = await send('/v1/callback-urls', { source: 'bandwidth', ...body }, bearer(KEYS.ops));
    expect(answer.status).toBe(201);
    const { callbackUrl } = answer.json;
    return { ...answer.json, path: callbackUrl.replace('https://rollcall.example.com/base', '') };
  };
  const stateOf = async (id = SEED.participantId) =>
    (await get(`/v1/participants/${id}`, bearer(KEYS.reader))).json.state;

  describe('over REST', () => {
    const READS = [
      '/v1/participants',
      `/v1/participants/${SEED.participantId}`,
      '/v1/occupancy',
      '/v1/tags',
      '/v1/changes',
    ];

    it.each(READS)('%s requires a key with the scope read', async (path) => {
      expect((await get(path)).status).toBe(401);
      expect((await get(path)).headers.get('www-authenticate')).toBe('Bearer realm="Rollcall"');
      const wrong = await get(path, bearer(`${KEYS.reader}x`));
      expect(wrong.status).toBe(401);
      expect(wrong.headers.get('www-authenticate')).toContain('error="invalid_token"');
      expect((await get(path, { authorization: basic(KEYS.reader) })).status).toBe(401);
      const forbidden = await get(path, bearer(KEYS.admin));
      expect(forbidden.status).toBe(403);
      expect(forbidden.json.detail).toContain('read');
      expect(forbidden.headers.get('www-authenticate')).toContain('scope="read"');
      expect([200, 404]).toContain((await get(path, bearer(KEYS.reader))).status);
    });

    it('ending presence requires a key with the scope admin', async () => {
      await send(`/callbacks/bandwidth/${SECRETS[0]}`);
      const path = `/v1/participants/${SEED.participantId}`;
      const end = (key: string) => service.request(path, { method: 'DELETE', headers: bearer(key) });
      expect((await service.request(path, { method: 'DELETE' })).status).toBe(401);
      expect((await end(KEYS.reader)).status).toBe(403);
      expect((await send(`${path}/end`, { deviceId: SEED.deviceId }, bearer(KEYS.reader))).status).toBe(403);
      expect(await stateOf()).toBe('connected');
      expect((await send(`${path}/end`, { deviceId: SEED.deviceId }, bearer(KEYS.ops))).status).toBe(204);
      expect(await stateOf()).toBe('gone');
      expect((await end(KEYS.admin)).status).toBe(204);
      const lines = service.logged.filter(({ msg }) => msg === 'an operator asked to end presence');
      expect(lines.map(({ key, outcome }) => [key, outcome])).toEqual([
        ['ops', 'ended'],
        ['admin', 'absent'],
      ]);
    });

    it('streams and lookups require a key, however the path is encoded and whatever the method', async () => {
      for (const path of [
        '/v1/changes/stream',
        '/%761/participants',
        '/v1/participants/',
        '/v1/participants?limit=0',
      ]) {
        expect([401, 404]).toContain((await get(path)).status);
      }
      expect((await get('/%761/participants')).status).toBe(401);
      expect((await send('/v1/participants/lookup', '{')).status).toBe(401);
      expect((await service.request('/v1/participants', { method: 'DELETE' })).status).toBe(401);
      expect((await service.request('/v1/participants', { method: 'HEAD' })).status).toBe(401);
      expect((await send('/v1/participants/lookup', { participantIds: ['a'] }, bearer(KEYS.ops))).status).toBe(200);
    });

    it('minting requires the scope admin', async () => {
      const body = { source: 'bandwidth' };
      expect((await send('/v1/callback-urls', body)).status).toBe(401);
      const refused = await send('/v1/callback-urls', body, bearer(KEYS.reader));
      expect(refused.status).toBe(403);
      expect(refused.json.detail).toContain('admin');
      expect((await send('/v1/callback-urls', body, bearer(KEYS.admin))).status).toBe(201);
    });

    it('probes and API documentation need no key, and probes show details only with one', async () => {
      expect((await get('/health/live')).json).toEqual({ status: 'ok' });
      expect((await get('/health/ready')).json).toEqual({ status: 'ok' });
      expect((await get('/health/ready', bearer(KEYS.reader))).json).toHaveProperty('details');
      expect((await get('/openapi.json')).status).toBe(200);
      expect((await get('/docs')).status).toBe(200);
    });

    it('limits requests with invalid keys to thirty per minute, without affecting valid keys', async () => {
      for (let n = 0; n < 30; n += 1) expect((await get('/v1/tags', bearer('guess'))).status).toBe(401);
      const limited = await get('/v1/tags', bearer('guess'));
      expect(limited.status).toBe(429);
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await get('/v1/tags', bearer(KEYS.reader))).status).toBe(200);
    });

    it('limits the rate of each key separately and reports it in headers; callbacks are not limited', async () => {
      await service.stop();
      service = await start({ ...LOCKED, http: { rateLimitPerMinute: 3 } });
      for (const remaining of ['2', '1', '0']) {
        const { status, headers } = await get('/v1/tags', bearer(KEYS.reader));
        expect([status, headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')]).toEqual([
          200,
          '3',
          remaining,
        ]);
      }
      const limited = await get('/v1/tags', bearer(KEYS.reader));
      expect(limited.status).toBe(429);
      expect(limited.json.type).toBe('urn:rollcall:problem:too-many-requests');
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await get('/v1/tags', bearer(KEYS.ops))).status).toBe(200);
      for (let n = 0; n < 10; n += 1) {
        expect((await send(`/callbacks/bandwidth/${SECRETS[0]}`)).status).toBe(204);
        expect((await get('/health/live')).status).toBe(200);
      }
    });
  });

  describe('for callbacks', () => {
    it.each([
      ['a secret in the path', `/callbacks/bandwidth/${SECRETS[0]}`, {}],
      ['another active secret in the path', `/callbacks/bandwidth/${SECRETS[1]}`, {}],
      ['a secret as a Basic password', '/callbacks/bandwidth', { authorization: basic(SECRETS[0]) }],
      [
        'another active secret as a Basic password, with another user',
        '/callbacks/bandwidth',
        { authorization: basic(SECRETS[1], 'me') },
      ],
    ])('accepts %s', async (_what, path, headers) => {
      expect((await send(path, SEED, headers)).status).toBe(204);
      expect(await stateOf()).toBe('connected');
    });

    it('challenges requests without credentials, as Bandwidth expects', async () => {
      const { status, headers, json } = await send('/callbacks/bandwidth');
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]+"/);
      expect(json.type).toBe('urn:rollcall:problem:unauthorized');
      expect(await stateOf()).toBeUndefined();
    });

    it('answers every other failure with the same 404', async () => {
      const { path } = await mint();
      const token = path.split('/').at(-1);
      const [ref, kid, mac] = token.split('.');
      const last = mac.at(-1) === 'A' ? 'B' : 'A';
      const cases: [string, unknown, Record<string, string>][] = [
        ['/callbacks/bandwidth', SEED, { authorization: basic('wrong') }],
        ['/callbacks/bandwidth', SEED, { authorization: basic('') }],
        ['/callbacks/bandwidth', SEED, { authorization: 'Basic !' }],
        // The user name ends at the first colon (RFC 7617): the password is `name:` and the secret.
        ['/callbacks/bandwidth', SEED, { authorization: basic(SECRETS[0], 'user:name') }],
        ['/callbacks/bandwidth', SEED, bearer(SECRETS[0])],
        ['/callbacks/bandwidth', SEED, bearer(KEYS.ops)],
        ['/callbacks/bandwidth/x', SEED, {}],
        ['/callbacks/bandwidth/', SEED, {}],
        [`/callbacks/bandwidth/${SECRETS[0]}x`, SEED, {}],
        [`/callbacks/bandwidth/${SECRETS[0].slice(1)}`, SEED, {}],
        [`/callbacks/bandwidth/${SECRETS[0]}/x`, SEED, {}],
        [`/callbacks/other/${SECRETS[0]}`, SEED, {}],
        [`/callbacks/bandwidth/${SECRETS[0]}x`, '{', {}],
        [`/callbacks/bandwidth/${SECRETS[0]}x`, 'x'.repeat(100_000), {}],
        [`/callbacks/bandwidth/${SECRETS[0]}x?__proto__=1`, SEED, {}],
        ['/callbacks/bandwidth/%zz', SEED, {}],
        [`/callbacks/bandwidth/${'x'.repeat(5_000)}`, SEED, {}],
        [`/callbacks/bandwidth/${ref}.${kid}.${mac.slice(0, -1)}${last}`, SEED, {}],
        [`/callbacks/bandwidth/${ref}.${'A'.repeat(8)}.${mac}`, SEED, {}],
        [`/callbacks/bandwidth/${ref.startsWith('A') ? 'B' : 'A'}${ref.slice(1)}.${kid}.${mac}`, SEED, {}],
        [`/callbacks/bandwidth/${ref}.${kid}`, SEED, {}],
      ];
      for (const [address, body, headers] of cases) {
        const answer = await send(address, body, headers);
        expect([address, answer.status]).toEqual([address, 404]);
        expect({ ...answer.json, instance: '' }).toEqual({
          type: 'urn:rollcall:problem:not-found',
          title: 'Not found',
          status: 404,
          detail: expect.any(String),
          instance: '',
        });
      }
      const read = await service.request(`/callbacks/bandwidth/${SECRETS[0]}x`);
      expect(read.status).toBe(404);
      expect((await service.request(`/callbacks/bandwidth/${SECRETS[0]}`)).status).toBe(405);
      expect((await get('/v1/participants', bearer(KEYS.reader))).json.items).toEqual([]);
    });

    it('binds a minted URL to the first participant received through it', async () => {
      const { path, ref, expiresAt } = await mint();
      expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now() + 29 * 86_400_000);
      expect((await send(path)).status).toBe(204);
      const refused = await send(path, { ...SEED, participantId: 'another' });
      expect(refused.status).toBe(403);
      expect(refused.json.type).toBe('urn:rollcall:problem:wrong-participant');
      expect(await stateOf('another')).toBeUndefined();
      expect(service.logged).toContainEqual(expect.objectContaining({ ref, level: 40 }));
      expect((await send(path, { ...SEED, event: 'onLeave', timestamp: 1628786300000 })).status).toBe(204);
      expect(await stateOf()).toBe('gone');
    });

    it('does not bind a minted URL by an invalid or unknown event', async () => {
      const { path } = await mint();
      expect((await send(path, { ...SEED, participantId: 'first', timestamp: 'now' })).status).toBe(400);
      expect((await send(path, { ...SEED, participantId: 'first', event: 'onSneeze' })).status).toBe(202);
      expect((await send(path, { ...SEED, participantId: 'second' })).status).toBe(204);
    });

    it.each<[{ tag?: string }, { tag: string | undefined }, string | undefined]>([
      [{ tag: 'minted ü 😀' }, { tag: undefined }, 'minted ü 😀'],
      [{ tag: 'minted' }, { tag: 'sent' }, 'sent'],
      [{}, { tag: undefined }, undefined],
    ])('with a URL minted with %j and a callback with %j, the participant has the tag %j', async (body, sent, tag) => {
      const minted = await mint(body);
      expect(minted.tag).toBe(body.tag);
      await send(minted.path, { ...SEED, ...sent });
      const { json } = await get(`/v1/participants/${SEED.participantId}`, bearer(KEYS.reader));
      expect(json.tag).toBe(tag);
    });

    it('shows the reference of a minted URL wherever the participant is shown', async () => {
      const position = (await get('/v1/changes', bearer(KEYS.reader))).json.position;
      const participantRef = `user ü 😀 ${'x'.repeat(200)}`;
      const minted = await mint({ tag: 'ü'.repeat(128), participantRef });
      expect(minted.participantRef).toBe(participantRef);
      expect((await send(minted.path)).status).toBe(204);
      const shown = { participantId: SEED.participantId, tag: SEED.tag, participantRef };
      expect((await get(`/v1/participants/${SEED.participantId}`, bearer(KEYS.reader))).json).toMatchObject(shown);
      expect((await get('/v1/participants', bearer(KEYS.reader))).json.items).toMatchObject([shown]);
      const ids = { participantIds: [SEED.participantId] };
      expect((await send('/v1/participants/lookup', ids, bearer(KEYS.reader))).json.items).toMatchObject([shown]);
      const { items } = (await get(`/v1/changes?after=${position}`, bearer(KEYS.reader))).json;
      expect(items).toMatchObject([
        { type: 'device.connected', ...shown },
        { type: 'participant.connected', ...shown },
      ]);
      const another = await mint({ participantRef: 'another' });
      expect((await send(another.path, { ...SEED, deviceId: 'd2', timestamp: 1628786300000 })).status).toBe(204);
      const { json } = await get(`/v1/participants/${SEED.participantId}`, bearer(KEYS.reader));
      expect(json.participantRef).toBe('another');
    });

    it('mints no URL that is too long for what it carries', async () => {
      const fits = { tag: 'x'.repeat(128), participantRef: '€'.repeat(256) };
      expect((await send(new URL((await mint(fits)).callbackUrl).pathname.replace('/base', ''))).status).toBe(204);
      const body = { source: 'bandwidth', tag: '😀'.repeat(128), participantRef: '€'.repeat(256) };
      const { status, json } = await send('/v1/callback-urls', body, bearer(KEYS.ops));
      expect([status, json.errors]).toEqual([400, [{ pointer: '#/participantRef', message: expect.any(String) }]]);
    });

    it.each([
      [{ source: 'other' }, 'source'],
      [{ source: undefined }, 'source'],
      [{ tag: '' }, 'tag'],
      [{ tag: 'x'.repeat(129) }, 'tag'],
      [{ tag: 7 }, 'tag'],
      [{ tag: 'a\0' }, 'tag'],
      [{ participantRef: '' }, 'participantRef'],
      [{ participantRef: ' ' }, 'participantRef'],
      [{ participantRef: 'x'.repeat(257) }, 'participantRef'],
      [{ participantRef: 'a\n' }, 'participantRef'],
      [{ participantRef: null }, 'participantRef'],
      [{ participantRef: 7 }, 'participantRef'],
      [{ expiresInSeconds: 59 }, 'expiresInSeconds'],
      [{ expiresInSeconds: 1e10 }, 'expiresInSeconds'],
      [{ expiresInSeconds: '60' }, 'expiresInSeconds'],
      [{ participantId: 'a' }, 'participantId'],
    ])('refuses to mint a URL with %j', async (body, name) => {
      const answer = await send('/v1/callback-urls', { source: 'bandwidth', ...body }, bearer(KEYS.ops));
      expect(answer.status).toBe(400);
      expect(answer.json.errors).toMatchObject([{ pointer: `#/${name}` }]);
    });
  });

  it('never logs a secret, however it is used', async () => {
    await service.stop();
    service = await start({ ...LOCKED, logLevel: 'trace' });
    const { path } = await mint({ tag: 'calls' });
    const tokens = path.split('/').at(-1).split('.');
    for (const address of [
      path,
      `/callbacks/bandwidth/${SECRETS[0]}`,
      `${path}x`,
      `/callbacks/bandwidth/%zz${SECRETS[1]}`,
    ]) {
      for (const body of [SEED, '{', { ...SEED, participantId: 'another' }, { ...SEED, timestamp: 1 }])
        await send(address, body);
      await get(address);
      await send(`${address}/x?secret=${SECRETS[0]}`);
    }
    await send('/callbacks/bandwidth', SEED, { authorization: basic(SECRETS[1]) });
    for (const key of Object.values(KEYS)) for (const at of ['/v1/tags', '/v1/nowhere']) await get(at, bearer(key));
    const log = JSON.stringify(service.logged);
    expect(log).toContain('answered');
    expect(log).toContain('"key":"reader"');
    for (const secret of [...SECRETS, ...Object.values(KEYS), tokens[2], `${tokens[0]}.${tokens[1]}`]) {
      expect(log).not.toContain(secret);
      expect(log).not.toContain(Buffer.from(`anybody:${secret}`).toString('base64').slice(8, 40));
    }
  });
});

describe.each(onEachStore())('without keys on %s', (_, start) => {
  it('serves all requests on loopback except those with unknown tokens, and cannot mint URLs', async () => {
    const service = await start();
    expect((await service.callback()).status).toBe(204);
    expect((await service.request('/v1/participants')).json.items).toHaveLength(1);
    expect((await service.post('/callbacks/bandwidth/token', SEED)).status).toBe(404);
    expect((await service.post('/v1/callback-urls', { source: 'bandwidth' })).status).toBe(501);
    expect((await service.request('/health/ready')).json).toHaveProperty('details');
    await service.stop();
  });

  it('serves all requests with AUTH=off despite keys, and still binds minted URLs', async () => {
    const service = await start({ access: { ...LOCKED.access, isRequired: false } });
    expect((await service.callback()).status).toBe(204);
    const { json } = await service.post('/v1/callback-urls', { source: 'bandwidth' });
    const path = new URL(json.callbackUrl).pathname.replace('/base', '');
    expect((await service.post(path, { ...SEED, participantId: 'a' })).status).toBe(204);
    expect((await service.post(path, { ...SEED, participantId: 'b' })).status).toBe(403);
    await service.stop();
  });

  it('expires a minted URL at the promised time', async () => {
    const clock = new ManualClock(Date.parse('2026-11-23T12:00:00.500Z'));
    const service = await start({ clock, access: LOCKED.access });
    const body = { source: 'bandwidth', expiresInSeconds: 60 };
    const headers = { 'content-type': 'application/json', ...bearer(KEYS.ops) };
    const { json } = await service.request('/v1/callback-urls', {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    expect(json.expiresAt).toBe('2026-11-23T12:01:01.000Z');
    const path = new URL(json.callbackUrl).pathname.replace('/base', '');
    clock.advance(60_499);
    expect((await service.post(path, SEED)).status).toBe(204);
    clock.advance(1);
    expect((await service.post(path, SEED)).status).toBe(404);
    await service.stop();
  });
});
