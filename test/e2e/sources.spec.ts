// Two sources at once: their participants are separate, and requests can select one source.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../src/domain/subject.js';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { sign, testDialect } from '../sources/test-source.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, startService } from './service.js';

const SECOND = 1_790_000_000;
const sources = [
  { name: BANDWIDTH, dialect: 'bandwidth' },
  { name: 'rooms' as SourceName, dialect: 'test' },
] as const;

describe.each(['SQLite', 'Redis'])('two sources on %s', (store) => {
  let redis: RedisServer | undefined;
  let service: Service;
  let sent = 0;
  beforeAll(async () => {
    redis = store === 'Redis' ? await RedisServer.start() : undefined;
    const dialects = { bandwidth, test: testDialect };
    service = await startService({ sources, dialects, ...(redis && { redisUrl: redis.url }) });
  });
  afterAll(async () => {
    await service.stop();
    await redis?.stop();
  });

  function send(parts: Record<string, unknown>, signature?: string) {
    sent += 1;
    const defaults = { id: `e${sent}`, kind: 'connected', room: 'r1', user: 'ann', connection: 'c1', second: SECOND };
    const body = JSON.stringify({ ...defaults, ...parts });
    const headers = { 'content-type': 'application/webhook+json', 'x-signature': signature ?? sign(body) };
    return service.request('/callbacks/rooms', { method: 'POST', headers, body });
  }
  const get = async (path: string) => (await service.request(path)).json;
  const idsOf = (json: { items: { participantId: string; source: string; scope?: string }[] }) =>
    json.items.map(({ participantId, source, scope }) => [source, scope, participantId].filter(Boolean).join(' '));

  it('keep participants with the same id apart, even in two rooms', async () => {
    expect((await service.callback({ participantId: 'ann', tag: 'r1' })).status).toBe(204);
    expect((await send({})).status).toBe(204);
    expect((await send({ room: 'r2' })).status).toBe(204);
    expect((await send({ room: 'r2', kind: 'left', second: SECOND + 5 })).status).toBe(204);
    expect((await get('/v1/participants/ann')).source).toBe('bandwidth');
    expect(await get('/v1/participants/ann?source=rooms&scope=r1')).toMatchObject({ scope: 'r1', state: 'connected' });
    expect(await get('/v1/participants/ann?source=rooms&scope=r2')).toMatchObject({ scope: 'r2', state: 'gone' });
    expect((await service.request('/v1/participants/ann?source=rooms')).status).toBe(404);
    const all = ['bandwidth ann', 'rooms r1 ann'];
    expect(idsOf(await get('/v1/participants')).sort()).toEqual(all);
    expect(idsOf(await get('/v1/participants?participantId=ann')).sort()).toEqual(all);
    const everywhere = await get('/v1/participants?participantId=ann&state=connected,gone&limit=1');
    const rest = await get(
      `/v1/participants?participantId=ann&state=connected,gone&limit=1&cursor=${everywhere.nextCursor}`,
    );
    expect([...idsOf(everywhere), ...idsOf(rest)]).toHaveLength(2);
    expect(rest.nextCursor).toBeDefined();
    expect(idsOf(await get('/v1/participants?source=rooms'))).toEqual(['rooms r1 ann']);
    expect(idsOf(await get('/v1/participants?scope=r1&tag=r1'))).toEqual(['rooms r1 ann']);
    expect(idsOf(await get('/v1/participants?scope=r1&tag=other'))).toEqual([]);
  });

  it('are counted together and separately', async () => {
    const counts = async (query: string) => (await get(`/v1/occupancy${query}`)).connected;
    expect(
      await Promise.all(['', '?source=rooms', '?tag=r1', '?tag=r1&source=rooms', '?scope=r1', '?scope=r2'].map(counts)),
    ).toEqual([2, 1, 2, 1, 1, 0]);
    expect((await get('/v1/tags')).items).toMatchObject([{ tag: 'r1', connected: 2 }]);
    expect((await get('/v1/tags?source=rooms')).items).toMatchObject([{ tag: 'r1', connected: 1 }]);
    expect((await service.request('/v1/occupancy?tag=r1&scope=r1')).status).toBe(400);
    const lookup = await service.post('/v1/participants/lookup?source=rooms&scope=r1', {
      participantIds: ['ann', 'bob'],
    });
    expect(lookup.json.items).toMatchObject([
      { source: 'rooms', scope: 'r1', state: 'connected' },
      { participantId: 'bob', source: 'rooms', scope: 'r1', state: 'unknown' },
    ]);
  });

  it('are validated by name in queries', async () => {
    for (const path of ['/v1/participants', '/v1/participants/ann', '/v1/occupancy', '/v1/tags', '/v1/changes']) {
      const { status, json } = await service.request(`${path}?source=nobody`);
      expect([path, status, json.detail]).toEqual([path, 400, 'source must be one of bandwidth, rooms']);
    }
  });

  it('support several events within one second', async () => {
    const { position } = await get('/v1/changes');
    for (const kind of ['connected', 'left', 'connected', 'disconnected', 'connected']) {
      expect((await send({ room: 'r3', user: 'bob', kind })).status).toBe(204);
    }
    expect(await get('/v1/participants/bob?source=rooms&scope=r3')).toMatchObject({ state: 'connected' });
    const { items } = await get(`/v1/changes?after=${position}&scope=r3&source=rooms&types=participant.connected`);
    expect(items.length).toBeGreaterThan(0);
    expect(items[0]).toMatchObject({ participantId: 'bob', source: 'rooms', scope: 'r3' });
    expect((await get(`/v1/changes?after=${position}&source=bandwidth`)).items).toEqual([]);
  });

  it('authenticate callbacks, answer handshakes and ignore events as their dialect defines', async () => {
    expect((await send({}, 'not the signature')).status).toBe(401);
    expect(service.refusals.totals()).toContainEqual({ kind: 'callback', reason: 'wrong-signature', count: 1 });
    const handshake = await send({ test: 'yes' });
    expect([handshake.status, handshake.json]).toEqual([200, { echo: 'test' }]);
    expect((await send({ kind: 'recording' })).status).toBe(204);
    expect((await send({ kind: 'whatever' })).status).toBe(202);
  });

  it('are ended and purged separately', async () => {
    const end = await service.request('/v1/participants/ann?source=rooms&scope=r1', { method: 'DELETE' });
    expect(end.status).toBe(204);
    expect((await get('/v1/participants/ann?source=rooms&scope=r1')).cause).toBe('ended');
    expect((await get('/v1/participants/ann')).state).toBe('connected');
    const purged = await service.request('/v1/participants?source=rooms&scope=r1', { method: 'DELETE' });
    expect(purged.json).toEqual({ matched: 1, purged: 1 });
    expect((await service.request('/v1/participants/ann?source=rooms&scope=r1')).status).toBe(404);
  });
});

describe('a source that verifies signatures', () => {
  it('needs no callback secret, and rejects unsigned callbacks', async () => {
    const callbackSecrets = ['a-secret-of-32-characters-or-more-for-tests'];
    const dialects = { bandwidth, test: testDialect };
    const service = await startService({ sources, dialects, access: { callbackSecrets } });
    const body = JSON.stringify({ id: 'e1', kind: 'connected', room: 'r', user: 'u', connection: 'c', second: SECOND });
    const send = (path: string, signature: string) => {
      const headers = {
        'content-type': 'application/json',
        'x-signature': signature,
        'x-forwarded-for': '203.0.113.7',
      };
      return service.request(`/callbacks/rooms${path}`, { method: 'POST', headers, body });
    };
    expect((await send('', sign(body))).status).toBe(204);
    expect((await send('', sign('another'))).status).toBe(401);
    expect((await send('/wrong-token', sign(body))).status).toBe(404);
    expect((await send(`/${callbackSecrets[0]}`, sign(body))).status).toBe(204);
    expect((await service.callback()).status).toBe(401);
    await service.stop();
  });
});
