import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Service } from './service.js';
import { onEachStore } from './stores.js';

const T0 = 1_628_786_234_000;
const iso = (ms: number) => new Date(T0 + ms).toISOString();

describe.each(onEachStore())('REST on %s', (_, start) => {
  let service: Service;
  beforeEach(async () => {
    service = await start();
  });
  afterEach(() => service.stop());

  const get = async (path: string) => (await service.request(path)).json;
  const idsOf = ({ items }: { items: { participantId: string }[] }) => items.map(({ participantId }) => participantId);
  const event = (name: string, participantId: string, ms: number, rest: Record<string, unknown> = {}) =>
    service.callback({ event: name, participantId, deviceId: 'd1', timestamp: T0 + ms, tag: undefined, ...rest });

  async function aMeeting(): Promise<void> {
    await event('onConnect', 'ann', 1_000, { tag: 'red' });
    await event('onConnect', 'bob', 2_000, { tag: 'red' });
    await event('onConnect', 'bob', 3_000, { deviceId: 'd2' });
    await event('onConnect', 'cid', 4_000, { tag: 'blue' });
    await event('onDisconnect', 'cid', 5_000);
    await event('onConnect', 'dan', 6_000, { tag: 'red' });
    await event('onLeave', 'dan', 7_000);
  }

  it('says of whom it is doubtful, until an event settles it', async () => {
    await aMeeting();
    const { position } = await get('/v1/participants');
    for (const ms of [8_000, 9_000]) await event('onConnect', 'eve', ms);
    await event('onDisconnect', 'eve', 10_000);
    const eve = await get('/v1/participants/eve');
    expect(eve).toMatchObject({ state: 'connected', doubtful: true, devices: [{ deviceId: 'd1', doubtful: true }] });
    expect(idsOf(await get('/v1/participants?doubtful=true'))).toEqual(['eve']);
    expect(idsOf(await get('/v1/participants?doubtful=false')).sort()).toEqual(['ann', 'bob']);
    expect(idsOf(await get('/v1/participants?doubtful=true&participantId=ann'))).toEqual([]);
    const { items } = await get(`/v1/changes?after=${position}&participantId=eve&types=participant.updated`);
    expect(items.at(-1)).toMatchObject({ state: 'connected', previousState: 'connected', doubtful: true });
    await event('onConnect', 'eve', 11_000);
    expect(await get('/v1/participants/eve')).not.toHaveProperty('doubtful');
    expect(idsOf(await get('/v1/participants?doubtful=true'))).toEqual([]);
    for (const value of ['yes', '', '1']) {
      const { status, json } = await service.request(`/v1/participants?doubtful=${value}`);
      expect([status, json.errors]).toEqual([400, [{ pointer: '#/doubtful', message: 'must be true or false' }]]);
    }
  });

  it('returns a participant as documented', async () => {
    const startMs = Date.now();
    await aMeeting();
    expect(await get('/v1/participants/bob')).toEqual({
      participantId: 'bob',
      source: 'bandwidth',
      state: 'connected',
      since: iso(2_000),
      tag: 'red',
      availability: 'unknown',
      devices: [
        { deviceId: 'd1', state: 'connected', since: iso(2_000), connectedAt: iso(2_000), interruptions: 0 },
        { deviceId: 'd2', state: 'connected', since: iso(3_000), connectedAt: iso(3_000), interruptions: 0 },
      ],
      lastEventAt: iso(3_000),
      version: expect.any(Number),
    });
    const cid = await get('/v1/participants/cid');
    expect(cid).toMatchObject({ state: 'reconnecting', since: iso(4_000), devices: [{ since: iso(5_000) }] });
    expect(cid.until).toBe(cid.devices[0].until);
    expect(Date.parse(cid.until) - startMs).toBeGreaterThanOrEqual(15_000);
    const gone = { state: 'gone', since: iso(7_000), cause: 'left' };
    expect(await get('/v1/participants/dan')).toMatchObject({
      ...gone,
      devices: [{ ...gone, connectedAt: iso(6_000) }],
    });
  });

  describe('an end by an operator', () => {
    const end = (path: string, init: RequestInit = {}) =>
      service.request(`/v1/participants/${path}`, { method: 'DELETE', ...init });

    it('makes a participant gone in lists, counts and the feed until a later event, and is logged', async () => {
      await aMeeting();
      const { position } = await get('/v1/participants');
      expect(await end('bob')).toMatchObject({ status: 204, text: '' });
      expect(await get('/v1/participants/bob')).toMatchObject({ state: 'gone', cause: 'ended' });
      expect(idsOf(await get('/v1/participants'))).toEqual(['ann']);
      expect(await get('/v1/occupancy?tag=red')).toMatchObject({ connected: 1, devices: 1 });
      const { items } = await get(`/v1/changes?after=${position}`);
      expect(items).toMatchObject([
        { type: 'device.gone', cause: 'ended', at: null },
        { type: 'device.gone', cause: 'ended', at: null },
        { type: 'participant.gone', cause: 'ended', at: null },
      ]);
      const lines = service.logged.filter(({ msg }) => msg === 'an operator asked to end presence');
      expect(lines).toMatchObject([{ participantId: 'bob', outcome: 'ended', requestId: expect.any(String) }]);
      expect((await end('bob')).status).toBe(204);
      await event('onConnect', 'bob', 9_000);
      expect(await get('/v1/participants/bob')).toMatchObject({ state: 'connected', since: iso(9_000) });
    });

    it('accepts a content type without a body, and rejects a malformed body', async () => {
      await aMeeting();
      const headers = { 'content-type': 'application/json' };
      expect((await end('bob', { headers, body: '{' })).status).toBe(400);
      expect(await end('bob', { headers })).toMatchObject({ status: 204, text: '' });
      expect(await get('/v1/participants/bob')).toMatchObject({ state: 'gone', cause: 'ended' });
      expect((await service.request('/v1/participants/ann', { headers })).status).toBe(200);
      expect((await service.request('/v1/participants?tag=red', { method: 'DELETE', headers })).status).toBe(200);
      const empty = { method: 'POST', headers };
      expect(await service.request('/v1/participants/ann/end', empty)).toMatchObject({ status: 400 });
    });

    it('makes one device gone', async () => {
      await aMeeting();
      expect((await service.post('/v1/participants/bob/end', { deviceId: 'd2' })).status).toBe(204);
      const bob = await get('/v1/participants/bob');
      expect(bob).toMatchObject({ state: 'connected', devices: [{ deviceId: 'd1' }, { cause: 'ended' }] });
      expect(bob.devices).toHaveLength(2);
    });

    it('is answered with 404 for an unknown participant or device', async () => {
      await aMeeting();
      const participant = await end('nobody');
      expect(participant).toMatchObject({ status: 404, json: { type: 'urn:rollcall:problem:unknown-participant' } });
      const device = await service.post('/v1/participants/bob/end', { deviceId: 'd9' });
      expect(device).toMatchObject({ status: 404, json: { type: 'urn:rollcall:problem:unknown-device' } });
    });

    it.each([
      ['/v1/participants/bob/end', {}, '#/deviceId'],
      ['/v1/participants/bob/end', { deviceId: 7 }, '#/deviceId'],
      ['/v1/participants/bob/end', { deviceId: 'd1', cause: 'left' }, '#/cause'],
      [`/v1/participants/${'x'.repeat(300)}/end`, { deviceId: 'd1' }, '#/participantId'],
      ['/v1/participants/bob/end?force=true', { deviceId: 'd1' }, '#/force'],
    ])('is rejected when the request is invalid: %s %p', async (path, body, pointer) => {
      await aMeeting();
      const { status, json } = await service.post(path, body);
      expect({ status, pointers: json.errors?.map((error: { pointer: string }) => error.pointer) }).toEqual({
        status: 400,
        pointers: [pointer],
      });
      expect((await get('/v1/participants/bob')).state).toBe('connected');
    });
  });

  it('lists connected participants, or those with the given states and tag', async () => {
    await aMeeting();
    expect(idsOf(await get('/v1/participants'))).toEqual(['ann', 'bob']);
    expect(idsOf(await get('/v1/participants?state=reconnecting,connected'))).toEqual(['ann', 'bob', 'cid']);
    expect(idsOf(await get('/v1/participants?state=reconnecting&state=gone'))).toEqual(['cid', 'dan']);
    expect(idsOf(await get('/v1/participants?state=gone&tag=red'))).toEqual(['dan']);
    expect(await get('/v1/participants?tag=nobody')).toEqual({
      items: [],
      position: expect.any(String),
      asOf: expect.any(String),
    });
  });

  it('returns lists in pages', async () => {
    for (let n = 0; n < 25; n += 1) await event('onConnect', `p${n}`, (n % 3) * 1_000, { tag: `t${n % 7}` });
    const pages: string[][] = [];
    for (let next = '/v1/participants?limit=10'; next; ) {
      const page = await get(next);
      pages.push(idsOf(page));
      next = page.nextCursor ? `/v1/participants?limit=10&cursor=${page.nextCursor}` : '';
    }
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(pages.flat()).toEqual(idsOf(await get('/v1/participants')));
    const tags = await get('/v1/tags?limit=4');
    const rest = await get(`/v1/tags?limit=4&cursor=${tags.nextCursor}`);
    expect([...tags.items, ...rest.items].map(({ tag }) => tag)).toEqual(['t0', 't1', 't2', 't3', 't4', 't5', 't6']);
    expect(rest).not.toHaveProperty('nextCursor');
  });

  it('counts participants and devices, in total or by tag', async () => {
    await aMeeting();
    const asOf = expect.any(String);
    expect(await get('/v1/occupancy')).toEqual({
      connected: 2,
      reconnecting: 1,
      devices: 4,
      available: 0,
      busy: 0,
      asOf,
    });
    expect(await get('/v1/occupancy?tag=red')).toEqual({
      connected: 2,
      reconnecting: 0,
      devices: 3,
      available: 0,
      busy: 0,
      asOf,
    });
    expect(await get('/v1/tags')).toEqual({
      items: [
        { tag: 'blue', connected: 0, reconnecting: 1, devices: 1, available: 0, busy: 0 },
        { tag: 'red', connected: 2, reconnecting: 0, devices: 3, available: 0, busy: 0 },
      ],
      position: expect.any(String),
      asOf,
    });
  });

  it('looks up many participants at once, in the requested order', async () => {
    await aMeeting();
    const { status, json } = await service.post('/v1/participants/lookup', {
      participantIds: ['dan', 'zoe', 'ann', 'dan'],
    });
    expect(status).toBe(200);
    expect(json.items.map(({ participantId, state }: Record<string, string>) => [participantId, state])).toEqual([
      ['dan', 'gone'],
      ['zoe', 'unknown'],
      ['ann', 'connected'],
      ['dan', 'gone'],
    ]);
    expect(json.items[1]).toEqual({ participantId: 'zoe', source: 'bandwidth', state: 'unknown' });
  });

  it('looks up the maximum number of ids of the maximum length', async () => {
    const participantIds = Array.from({ length: 1_000 }, (_unused, n) => `${n}`.padEnd(256, 'ü'));
    const { status, json } = await service.post('/v1/participants/lookup', { participantIds });
    expect(status).toBe(200);
    expect(json.items).toHaveLength(1_000);
  });

  it('answers 304 to a client that already has the response', async () => {
    await aMeeting();
    const first = await service.request('/v1/participants/ann');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+"$/);
    const getUnlessMatch = (value: string) =>
      service.request('/v1/participants/ann', { headers: { 'if-none-match': value } });
    expect(await getUnlessMatch(etag)).toMatchObject({ status: 304, text: '' });
    expect(await getUnlessMatch(`"other", W/${etag}`)).toMatchObject({ status: 304 });
    expect(await getUnlessMatch('*')).toMatchObject({ status: 304 });
    expect(await getUnlessMatch('"other"')).toMatchObject({ status: 200 });
    await event('onConnect', 'ann', 8_000);
    expect(await getUnlessMatch(etag)).toMatchObject({ status: 200 });
  });

  it('decodes the id in a path once', async () => {
    for (const id of ['a/b', '%41', 'ü😀', 'a b', 'x'.repeat(256), 'ü'.repeat(256)]) {
      await event('onConnect', id, 1_000);
      expect((await get(`/v1/participants/${encodeURIComponent(id)}`)).participantId).toBe(id);
    }
    expect((await service.request('/v1/participants/A')).status).toBe(404);
  });

  const CURSOR_OF_ANOTHER_QUERY = Buffer.from(JSON.stringify([1, 'a', '000000000000.1', 'connected red'])).toString(
    'base64url',
  );
  it.each([
    ['/v1/participants?states=gone', 'states'],
    ['/v1/participants?state=here', 'state'],
    ['/v1/participants?state=', 'state'],
    ['/v1/participants?state=connected,', 'state'],
    ['/v1/participants?tag=', 'tag'],
    ['/v1/participants?tag=a&tag=b', 'tag'],
    ['/v1/participants?tag=a%00b', 'tag'],
    ['/v1/participants?limit=0', 'limit'],
    ['/v1/participants?limit=1001', 'limit'],
    ['/v1/participants?limit=ten', 'limit'],
    ['/v1/participants?limit=', 'limit'],
    ['/v1/participants?limit=1e2', 'limit'],
    ['/v1/participants?cursor=nonsense', 'cursor'],
    ['/v1/participants?cursor=', 'cursor'],
    [
      `/v1/participants?cursor=!${Buffer.from('[1,"a","000000000000.1","connected "]').toString('base64url')}`,
      'cursor',
    ],
    [`/v1/participants?cursor=${CURSOR_OF_ANOTHER_QUERY}`, 'cursor'],
    [
      `/v1/participants?cursor=${Buffer.from('[1e999,"a","000000000000.1","connected "]').toString('base64url')}`,
      'cursor',
    ],
    ['/v1/participants/ann?fields=state', 'fields'],
    [`/v1/participants/${'x'.repeat(257)}`, 'participantId'],
    ['/v1/participants/%00', 'participantId'],
    ['/v1/occupancy?state=gone', 'state'],
    [`/v1/participants?cursor=${Buffer.from('[1,"","000000000000.1","connected "]').toString('base64url')}`, 'cursor'],
    [`/v1/participants?cursor=${Buffer.from('[1,"a","nowhere","connected "]').toString('base64url')}`, 'cursor'],
    ['/v1/tags?cursor=nonsense', 'cursor'],
    ['/v1/tags?tag=red', 'tag'],
    ['/health/live?verbose', 'verbose'],
    ['/v1/occupancy?__proto__=1', '__proto__'],
    ['/v1/occupancy?constructor=1', 'constructor'],
  ])('rejects %s', async (path, name) => {
    const { status, json } = await service.request(path);
    expect(status).toBe(400);
    expect(json).toMatchObject({ type: 'urn:rollcall:problem:invalid-request', errors: [{ pointer: `#/${name}` }] });
  });

  it.each([
    ['no ids', {}, '#/participantIds'],
    ['an empty list', { participantIds: [] }, '#/participantIds'],
    ['too many ids', { participantIds: Array.from({ length: 1_001 }, () => 'a') }, '#/participantIds'],
    ['a string in place of the list', { participantIds: 'ann' }, '#/participantIds'],
    ['an invalid id', { participantIds: ['ann', 'bob', 7] }, '#/participantIds/2'],
    ['an object in place of an id', { participantIds: [{ a: { b: {} } }] }, '#/participantIds/0'],
    ['an array-like object', { participantIds: { length: 1, 0: 'ann' } }, '#/participantIds'],
    ['an unknown member', { participantIds: ['ann'], all: true }, '#/all'],
  ])('rejects a lookup of %s', async (_what, body, pointer) => {
    const { status, json } = await service.post('/v1/participants/lookup', body);
    expect(status).toBe(400);
    expect(json.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer]);
  });

  it.each(['null', '[]', '7', '"ann"', '{'])('rejects a lookup with the body %s', async (body) => {
    const { status, json } = await service.post('/v1/participants/lookup', body);
    expect(status).toBe(400);
    expect(json.type).toBe('urn:rollcall:problem:invalid-request');
  });

  it.each(['/v1/participants', '/v1/participants/ann', '/v1/occupancy', '/v1/changes', '/health/live'])(
    'rejects 4,000 unknown parameters of %s with a short response',
    async (path) => {
      const names = Array.from({ length: 4_000 }, (_, n) => n.toString(36));
      const { status, json, text } = await service.request(`${path}?${names.join('&')}`);
      expect(status).toBe(400);
      expect(json.errors).toHaveLength(5);
      expect(json.detail).toContain('; 3995 more unknown names');
      expect(text.length).toBeLessThan(1_500);
    },
  );

  it('rejects a body with far too many members before it is parsed, and one with too many in a short response', async () => {
    const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [n.toString(36), 1]));
    const { status, json } = await service.post('/v1/participants/lookup', members(75_000));
    expect([status, json.detail]).toEqual([400, 'The body has more than 2000 members and elements.']);
    const fewer = await service.post('/v1/participants/lookup', { participantIds: ['ann'], ...members(1_900) });
    expect([fewer.status, fewer.json.errors.length]).toEqual([400, 5]);
    expect(fewer.text.length).toBeLessThan(1_500);
  });

  it('answers every other error in the same format', async () => {
    const cases: [string, RequestInit, number, string][] = [
      ['/', {}, 404, 'not-found'],
      ['/v1/participant', {}, 404, 'not-found'],
      ['/v1/participants/nobody', {}, 404, 'unknown-participant'],
      ['/v1/participants', { method: 'PUT' }, 405, 'method-not-allowed'],
      ['/v1/participants', { method: 'PROPFIND' }, 405, 'method-not-allowed'],
      ['/v1/participants/%zz', {}, 400, 'invalid-request'],
      [`/v1/participants/${'x'.repeat(5_000)}`, {}, 414, 'uri-too-long'],
      ['/v1/participants', { headers: { more: 'x'.repeat(20_000) } }, 431, 'headers-too-large'],
    ];
    for (const [path, init, status, name] of cases) {
      const answer = await service.request(path, init);
      expect([path.slice(0, 40), answer.status]).toEqual([path.slice(0, 40), status]);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.json).toEqual({
        type: `urn:rollcall:problem:${name}`,
        title: expect.any(String),
        status,
        detail: expect.any(String),
        instance: expect.stringMatching(/^urn:rollcall:request:[\da-f-]{36}$/),
      });
    }
  });

  it('serves an API documentation page without external assets', async () => {
    const page = await service.request('/docs');
    expect(page.status).toBe(200);
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? '');
    expect(assets.length).toBeGreaterThan(2);
    for (const asset of assets) {
      expect(asset).toMatch(/^\.\//);
      expect((await service.request(new URL(asset, `${service.url}/docs`).pathname)).status).toBe(200);
    }
  });

  it('does not disclose the versions of the components of the documentation page', async () => {
    const { version } = createRequire(import.meta.url)('swagger-ui-dist/package.json') as { version: string };
    for (const asset of [
      '',
      '/',
      '/index.html',
      '/swagger-ui.css',
      '/swagger-ui-bundle.js',
      '/swagger-ui-standalone-preset.js',
    ]) {
      const { status, headers, text } = await service.request(`/docs${asset}`);
      expect([status, headers.get('last-modified'), text.includes(version)]).toEqual([200, null, false]);
      expect(text).not.toMatch(
        /version\w*"?\s*[:=]\s*"\d+\.\d+\.\d+|GIT_COMMIT:"g|core-js\/blob\/v\d|normalize\.css v\d/i,
      );
    }
    for (const other of ['package.json', 'README.md', 'swagger-ui-bundle.js.map', 'swagger-ui.js', '../package.json']) {
      expect((await service.request(`/docs/${other.replace('../', '%2e%2e%2f')}`)).status).toBe(404);
    }
  });

  it('supports HEAD and conditional requests for the documentation page', async () => {
    const page = await service.request('/docs', { method: 'HEAD' });
    const { text } = await service.request('/docs');
    expect(page.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    const asset = await service.request('/docs/swagger-ui.css');
    // By default fetch() adds `cache-control: no-cache` to a conditional request.
    const known = { 'if-none-match': asset.headers.get('etag') ?? '', 'cache-control': 'max-age=0' };
    const again = await service.request('/docs/swagger-ui.css', { headers: known });
    expect([again.status, again.headers.get('content-type'), again.text]).toEqual([304, null, '']);
    expect((await service.request('/docs/nothing')).json).toMatchObject({ type: 'urn:rollcall:problem:not-found' });
  });
});
