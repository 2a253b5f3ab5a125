// The quarantine: what is kept of callbacks that were refused or not understood, and what an operator can do with it.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import type { SourceName } from '../../src/domain/subject.js';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import type { Dialect } from '../../src/sources/source.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';
import { sign, testDialect } from '../sources/test-source.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { SEED, type Service, type ServiceOptions, startService } from './service.js';
import { onEachStore } from './stores.js';

const SECRET = 'a-callback-secret-of-32-characters-or-more';
const PUBLIC_URL = 'https://rollcall.example.com';
const JSON_TYPE = 'application/json';
const PROBLEM = 'urn:rollcall:problem:';

/** One who says `hello` has connected, as a later version of the code knows. */
const laterBandwidth: Dialect = {
  ...bandwidth,
  create: (name) => ({
    translate: (body, receivedAtMs) => {
      const { event } = body as { event?: unknown };
      const known = event === 'hello' ? { ...(body as object), event: 'onConnect' } : body;
      return bandwidth.create(name, {}).translate(known, receivedAtMs);
    },
  }),
};

type Body = string | Uint8Array;

/** Of one service. */
function clientOf(service: Service) {
  const send = (body: Body, path = `/callbacks/bandwidth/${SECRET}`, headers: Record<string, string> = {}) =>
    service.request(path, { method: 'POST', headers: { 'content-type': JSON_TYPE, ...headers }, body });
  const call = (method: string, path = '', body?: unknown) =>
    service.request(`/v1/quarantine${path}`, {
      method,
      ...(body !== undefined && { headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(body) }),
    });
  const list = async (query = '') => (await call('GET', query)).json.items;
  const reasons = async () => (await list()).map(({ reason }: { reason: string }) => reason);
  /** Writing is asynchronous. */
  const listOf = async (count: number) => {
    await eventually(async () => expect(await list('?limit=1000')).toHaveLength(count), 10_000);
    return list('?limit=1000');
  };
  const mint = async (parts: Record<string, unknown> = {}) => {
    const { json } = await service.post('/v1/callback-urls', { source: 'bandwidth', ...parts });
    return new URL(json.callbackUrl).pathname;
  };
  return { send, call, list, listOf, reasons, mint };
}

const event = (parts: Record<string, unknown> = {}) => JSON.stringify({ ...SEED, ...parts });

describe.each(onEachStore())('the quarantine on %s', (_, startOn) => {
  let service: Service;
  let client: ReturnType<typeof clientOf>;
  let folder: string;
  let starts: number;
  let redisPrefix: string;
  beforeEach(() => {
    starts = 0;
    folder = mkdtempSync(join(tmpdir(), 'rollcall-quarantine-'));
    redisPrefix = `quarantine-${Math.random()}`;
  });
  afterEach(async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  });

  async function start(options: ServiceOptions = {}): Promise<void> {
    const access = { callbackSecrets: [SECRET], publicUrl: PUBLIC_URL, ...options.access };
    service = await startOn({ dataDir: dataDir(starts), redisPrefix, ...options, access });
    client = clientOf(service);
  }

  const dataDir = (start: number) => join(folder, String(start));

  /** On the same data. A copy of the file: this process keeps a closed one locked. */
  async function restart(options: ServiceOptions = {}): Promise<void> {
    await service.stop();
    const file = join(dataDir(starts), 'rollcall.db');
    starts += 1;
    mkdirSync(dataDir(starts));
    if (existsSync(file)) copyFileSync(file, join(dataDir(starts), 'rollcall.db'));
    await start(options);
  }

  it('keeps every callback that was refused or not understood, whichever way it came in', async () => {
    await start();
    const path = await client.mint();
    expect((await client.send(event({ participantId: 'first' }), path)).status).toBe(204);
    const origin = { origin: 'https://app.example.com' };
    const beforeMs = Date.now();
    expect((await client.send('{"event":')).status).toBe(400);
    expect((await client.send('nonsense', undefined, origin)).status).toBe(400);
    expect((await client.send(event({ timestamp: 'now' }))).status).toBe(400);
    expect((await client.send(event({ event: 'onMute' }), undefined, origin)).status).toBe(202);
    const type = 'application/json; charset=utf-8';
    expect((await client.send(event(), path, { 'content-type': type })).status).toBe(403);
    const items = await client.listOf(5);
    const byReason = (reason: string) => items.filter((item: { reason: string }) => item.reason === reason);
    expect(byReason('malformed-body')).toHaveLength(2);
    expect(byReason('invalid-fields')).toMatchObject([{ bytes: event({ timestamp: 'now' }).length }]);
    expect(byReason('unknown-event')).toMatchObject([{ source: 'bandwidth', contentType: JSON_TYPE }]);
    const [wrong] = byReason('wrong-participant');
    expect(wrong).toEqual({
      id: expect.stringMatching(/^[\da-f]{12}-[\da-f]{16}$/),
      source: 'bandwidth',
      reason: 'wrong-participant',
      receivedAt: expect.any(String),
      contentType: type,
      bytes: event().length,
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
    });
    expect(Date.parse(wrong.receivedAt)).toBeGreaterThanOrEqual(beforeMs);
    const kept = await client.call('GET', `/${wrong.id}`);
    expect([kept.status, kept.json]).toEqual([200, { ...wrong, body: event() }]);
    const lines = service.logged.filter(({ quarantined }) => quarantined !== undefined);
    expect(new Set(lines.map(({ quarantined }) => quarantined))).toEqual(
      new Set(items.map(({ id }: { id: string }) => id)),
    );
    expect(lines.map(({ requestId }) => requestId)).toContain(wrong.requestId);
    expect(JSON.stringify(service.logged)).not.toContain('nonsense');
    await eventually(async () =>
      expect((await service.request('/health/ready')).json.details.quarantine).toEqual({ status: 'up', entries: 5 }),
    );
  });

  it('keeps a callback on which the code of its source fails', async () => {
    const failing: Dialect = {
      ...bandwidth,
      create: () => ({
        translate: () => {
          throw new TypeError('a mistake');
        },
      }),
    };
    await start({ dialects: { bandwidth: failing } });
    expect((await client.send(event())).status).toBe(500);
    const [{ id, reason }] = await client.listOf(1);
    expect(reason).toBe('internal-error');
    expect((await client.call('POST', `/${id}/replay`)).status).toBe(500);
    expect((await client.call('POST', '/replay', {})).json).toEqual({ replayed: 0, failed: 1, remaining: 0 });
    await restart();
    expect((await client.call('POST', `/${id}/replay`)).json).toEqual({ outcome: 'applied' });
  });

  it('keeps exactly the bytes that were received', async () => {
    await start();
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        // A JSON value other than an object is refused as well.
        expect((await client.send(bytes)).status).toBe(400);
        kept += 1;
        await client.listOf(kept);
        const [{ id }] = await client.list('?limit=1');
        const { body, bodyBase64 } = (await client.call('GET', `/${id}`)).json;
        const received = Buffer.from(body ?? bodyBase64, body === undefined ? 'base64' : 'utf8');
        expect(received.equals(bytes)).toBe(true);
      }),
      {
        numRuns: lengthOf(6, 60),
        examples: [[new Uint8Array()], [Uint8Array.of(0xff, 0)], [Buffer.from('[0,"é\0"]')]],
      },
    );
    const large = `"${'x'.repeat(65_534)}"`;
    expect((await client.send(large)).status).toBe(400);
    await client.listOf(kept + 1);
    const [{ id }] = await client.list('?limit=1');
    expect((await client.call('GET', `/${id}`)).json.body).toBe(large);
  });

  it('keeps no callback that failed authentication, was refused by a limit, or whose body was not read', async () => {
    await start({ http: { callbacksPerMinutePerUrl: 1 }, access: { newParticipantsPerMinute: 1 } });
    const path = await client.mint();
    expect((await client.send('{', '/callbacks/bandwidth/a-wrong-secret-of-32-characters-or-more')).status).toBe(404);
    expect((await client.send('{', '/callbacks/bandwidth')).status).toBe(401);
    expect((await client.send(event({ participantId: 'first' }), path)).status).toBe(204);
    expect((await client.send('{', path)).status).toBe(429);
    expect((await client.send(event({ participantId: 'second' }))).status).toBe(429);
    expect((await client.send('x'.repeat(70_000))).status).toBe(413);
    expect((await client.send('{', undefined, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await client.send('the only one')).status).toBe(400);
    expect(await client.listOf(1)).toMatchObject([{ bytes: 'the only one'.length }]);
  });

  it('replays a callback that a later version understands, with the time at which it was received', async () => {
    const clock = new ManualClock(Date.parse('2026-11-23T12:00:00Z'));
    await start({ clock });
    expect((await client.send(event({ event: 'hello' }))).status).toBe(202);
    const [{ id }] = await client.listOf(1);
    expect(await client.call('POST', `/${id}/replay`)).toMatchObject({
      status: 422,
      json: { type: `${PROBLEM}not-replayable`, detail: 'The kind of event is not known.' },
    });
    expect(await client.reasons()).toEqual(['unknown-event']);
    clock.advance(3_600_000);
    await restart({ clock, dialects: { bandwidth: laterBandwidth } });
    const { position } = (await service.request('/v1/changes')).json;
    const replayed = await client.call('POST', `/${id}/replay`);
    expect([replayed.status, replayed.json]).toEqual([200, { outcome: 'applied' }]);
    expect((await service.request(`/v1/participants/${SEED.participantId}`)).json).toMatchObject({
      state: 'connected',
    });
    const { items } = (await service.request(`/v1/changes?after=${position}`)).json;
    expect(items[0].receivedAt).toBe('2026-11-23T12:00:00.000Z');
    expect(await client.list()).toEqual([]);
    expect(await client.call('POST', `/${id}/replay`)).toMatchObject({
      status: 404,
      json: { type: `${PROBLEM}unknown-quarantine-entry` },
    });
    expect(service.logged).toContainEqual(
      expect.objectContaining({
        msg: 'an operator replayed a quarantined callback',
        quarantined: id,
        outcome: 'applied',
      }),
    );
  });

  it('does not check signatures again, and says why a callback still cannot be applied', async () => {
    const sources = [
      { name: BANDWIDTH, dialect: 'bandwidth' },
      { name: 'rooms' as SourceName, dialect: 'test' },
    ] as const;
    const dialects = { bandwidth, test: testDialect };
    await start({ sources, dialects });
    const body = JSON.stringify({ kind: 'paused', room: 'r', user: 'u', connection: 'c', second: 1_790_000_000 });
    expect((await client.send(body, '/callbacks/rooms', { 'x-signature': 'forged' })).status).toBe(401);
    expect((await client.send(body, '/callbacks/rooms', { 'x-signature': sign(body) })).status).toBe(202);
    expect((await client.send('{', '/callbacks/rooms', { 'x-signature': sign('{') })).status).toBe(400);
    expect((await client.send(event({ deviceId: '' }))).status).toBe(400);
    const items = await client.listOf(3);
    const details: Record<string, string> = {};
    for (const { id, reason } of items) {
      const { status, json } = await client.call('POST', `/${id}/replay`);
      expect([status, json.errors]).toEqual([422, reason === 'invalid-fields' ? [expect.anything()] : undefined]);
      details[reason] = json.detail;
    }
    expect(details).toEqual({
      'unknown-event': 'The kind of event is not known.',
      'malformed-body': 'The body is not valid JSON.',
      'invalid-fields': 'The callback is not valid.',
    });
    await restart();
    const { json } = await client.call('POST', '/replay', { reason: 'unknown-event' });
    expect(json).toEqual({ replayed: 0, failed: 1, remaining: 0 });
    const { id } = items.find(({ reason }: { reason: string }) => reason === 'unknown-event');
    expect((await client.call('POST', `/${id}/replay`)).json.detail).toBe('The source rooms is not configured.');
    const known: Dialect = {
      ...testDialect,
      create: (name) => ({
        authenticate: () => ({ outcome: 'rejected', reason: 'wrong-signature' }),
        translate: (received, atMs) =>
          testDialect.create(name, {}).translate({ ...(received as object), kind: 'recording' }, atMs),
      }),
    };
    await restart({ sources, dialects: { bandwidth, test: known } });
    expect((await client.call('POST', `/${id}/replay`)).json).toEqual({ outcome: 'ignored' });
    expect(await client.listOf(2)).not.toContainEqual(expect.objectContaining({ id }));
  });

  it('applies a callback of the wrong participant only if an operator names it or its reason, and binds nothing', async () => {
    await start();
    const path = await client.mint({ tag: 'minted' });
    const untagged = (participantId: string) => event({ participantId, tag: undefined });
    expect((await client.send(untagged('owner'), path)).status).toBe(204);
    for (const id of ['one', 'two', 'three']) expect((await client.send(untagged(id), path)).status).toBe(403);
    const [{ id }] = await client.listOf(3);
    expect((await client.call('POST', '/replay', {})).json).toEqual({ replayed: 0, failed: 0, remaining: 0 });
    expect((await client.call('POST', `/${id}/replay`)).json).toEqual({ outcome: 'applied' });
    expect((await service.request('/v1/occupancy?tag=minted')).json).toMatchObject({ connected: 2 });
    expect((await client.call('POST', '/replay', { reason: 'wrong-participant' })).json).toEqual({
      replayed: 2,
      failed: 0,
      remaining: 0,
    });
    expect((await service.request('/v1/occupancy?tag=minted')).json).toMatchObject({ connected: 4 });
    expect((await client.send(untagged('one'), path)).status).toBe(403);
    expect((await client.send(untagged('owner'), path)).status).toBe(204);
  });

  it('checks the binding of a minted URL when a callback through it is understood at last', async () => {
    await start();
    const path = await client.mint({ tag: 'minted' });
    expect((await client.send(event({ participantId: 'owner' }), path)).status).toBe(204);
    for (const participantId of ['owner', 'intruder']) {
      expect((await client.send(event({ event: 'hello', participantId, deviceId: 'new' }), path)).status).toBe(202);
    }
    await client.listOf(2);
    await restart({ dialects: { bandwidth: laterBandwidth } });
    expect((await client.call('POST', '/replay', {})).json).toEqual({ replayed: 1, failed: 1, remaining: 0 });
    expect((await service.request('/v1/participants/intruder')).status).toBe(404);
    expect((await service.request('/v1/participants/owner')).json.devices).toHaveLength(2);
    const [{ id }] = await client.list();
    expect((await client.call('POST', `/${id}/replay`)).json).toMatchObject({
      status: 422,
      detail: 'This callback URL is bound to another participant.',
    });
  });

  it('replays what matches a filter, up to 500 callbacks per request, whatever the limit on new participants', async () => {
    await start();
    for (let n = 0; n < 620; n += 20) {
      const bodies = Array.from({ length: 20 }, (_, k) => event({ event: 'hello', participantId: `p${n + k}` }));
      await Promise.all(bodies.map((body) => client.send(body)));
    }
    expect((await client.send(event({ event: 'onMute' }))).status).toBe(202);
    expect((await client.send('{')).status).toBe(400);
    await client.listOf(622);
    await restart({ dialects: { bandwidth: laterBandwidth }, access: { newParticipantsPerMinute: 10 } });
    const filter = { source: 'bandwidth', reason: 'unknown-event', since: '2020-01-01T00:00:00Z' };
    expect((await client.call('POST', '/replay', { ...filter, until: '2020-01-02T00:00:00Z' })).json).toEqual({
      replayed: 0,
      failed: 0,
      remaining: 0,
    });
    const first = (await client.call('POST', '/replay', filter)).json;
    expect(first).toEqual({ replayed: 499, failed: 1, remaining: 121, nextCursor: expect.any(String) });
    const second = (await client.call('POST', '/replay', { ...filter, cursor: first.nextCursor })).json;
    expect(second).toEqual({ replayed: 121, failed: 0, remaining: 0 });
    expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 620 });
    expect((await client.reasons()).sort()).toEqual(['malformed-body', 'unknown-event']);
  });

  it('is listed in pages and by filters, newest first', async () => {
    await start();
    for (let n = 0; n < 5; n += 1) {
      await client.send(event({ event: `unknown${n}` }));
      await client.send(`{${n}`);
      await client.listOf(2 * n + 2);
    }
    const all = await client.list();
    const times = all.map(({ receivedAt }: { receivedAt: string }) => receivedAt);
    expect(times).toEqual(times.toSorted().reverse());
    const seen: unknown[] = [];
    let query = '?limit=3';
    for (let pages = 1; ; pages += 1) {
      const { items, nextCursor } = (await client.call('GET', query)).json;
      seen.push(...items);
      if (nextCursor === undefined) {
        expect(pages).toBe(4);
        break;
      }
      query = `?limit=3&cursor=${nextCursor}`;
    }
    expect(seen).toEqual(all);
    expect((await client.call('GET', '?limit=10')).json).not.toHaveProperty('nextCursor');
    const unknown = await client.list('?reason=unknown-event&source=bandwidth&since=2020-01-01T00:00:00Z');
    expect(unknown).toEqual(all.filter(({ reason }: { reason: string }) => reason === 'unknown-event'));
    expect(await client.list(`?until=${encodeURIComponent(all.at(-1).receivedAt)}`)).toEqual([]);
    expect(await client.list(`?since=${encodeURIComponent(all[0].receivedAt)}`)).toContainEqual(all[0]);
  });

  it('is deleted one by one, or by filter', async () => {
    await start();
    for (let n = 0; n < 3; n += 1) expect((await client.send(event({ event: 'onMute' }))).status).toBe(202);
    for (let n = 0; n < 2; n += 1) expect((await client.send('{')).status).toBe(400);
    const [{ id }] = await client.listOf(5);
    expect((await client.call('DELETE', `/${id}`)).status).toBe(204);
    expect((await client.call('DELETE', `/${id}`)).status).toBe(404);
    expect((await client.call('GET', `/${id}`)).status).toBe(404);
    expect((await client.call('DELETE', '?reason=unknown-event&source=bandwidth')).json).toEqual({
      deleted: 3,
      remaining: 0,
    });
    expect(await client.reasons()).toEqual(['malformed-body']);
    expect((await client.call('DELETE', '?until=2020-01-01T00:00:00Z')).json).toEqual({ deleted: 0, remaining: 0 });
    expect((await client.call('DELETE', '?since=2020-01-01T00:00:00Z')).json).toEqual({ deleted: 1, remaining: 0 });
  });

  it('refuses bad input, and entries that do not exist', async () => {
    await start();
    const none = '019ac0f3b2c1-9f86d081884c7d65';
    const bad: [method: string, path: string, body?: unknown][] = [
      ['GET', '?color=red'],
      ['GET', '?limit=0'],
      ['GET', '?limit=1001'],
      ['GET', '?cursor=x'],
      ['GET', `?cursor=${none}&cursor=${none}`],
      ['GET', '?source=nobody'],
      ['GET', '?reason=not-found'],
      ['GET', '?reason=unknown-event&reason=malformed-body'],
      ['GET', '?since=yesterday'],
      ['GET', '?since=2026-11-23T09:00:00Z&until=2026-11-23T09:00:00Z'],
      ['GET', `/${none}?color=red`],
      ['POST', `/${none}/replay?force=true`],
      ['POST', '/replay?source=bandwidth', {}],
      ['POST', '/replay', []],
      ['POST', '/replay', { color: 'red' }],
      ['POST', '/replay', { source: null }],
      ['POST', '/replay', { source: ['bandwidth'] }],
      ['POST', '/replay', { reason: null }],
      ['POST', '/replay', { reason: 7 }],
      ['POST', '/replay', { since: null }],
      ['POST', '/replay', { until: 1_790_000_000_000 }],
      ['POST', '/replay', { cursor: null }],
      ['POST', '/replay', { cursor: `${none}0` }],
      ['DELETE', ''],
      ['DELETE', '?limit=1'],
      ['DELETE', '?reason='],
      ['DELETE', `/${none}?reason=unknown-event`],
    ];
    for (const [method, path, body] of bad) {
      const { status, json } = await client.call(method, path, body);
      expect([method, path, body, status, json.type]).toEqual([method, path, body, 400, `${PROBLEM}invalid-request`]);
    }
    for (const id of [none, none.toUpperCase(), 'x', `${none}%20`, '%00', '..%2F']) {
      for (const [method, path] of [
        ['GET', `/${id}`],
        ['POST', `/${id}/replay`],
        ['DELETE', `/${id}`],
      ] as const) {
        const { status, json } = await client.call(method, path);
        expect([method, id, status, json.type]).toEqual([method, id, 404, `${PROBLEM}unknown-quarantine-entry`]);
      }
    }
  });

  it('needs a key of scope admin', async () => {
    const entry = (scope: string) => `${scope}:${scope}:${digestOf(`key-of-${scope}`).toString('hex')}`;
    await start({ access: { apiKeys: parseApiKeys([entry('read'), entry('admin')].join()) } });
    expect((await client.send('{')).status).toBe(400);
    const as = (scope: string, path: string, method = 'GET') =>
      service.request(`/v1/quarantine${path}`, { method, headers: { authorization: `Bearer key-of-${scope}` } });
    const calls = [[''], ['/x'], ['/x/replay', 'POST'], ['/replay', 'POST'], ['/x', 'DELETE'], ['', 'DELETE']] as const;
    for (const [path, method] of calls) {
      expect([path, (await as('read', path, method)).status]).toEqual([path, 403]);
      expect([path, (await as('nobody', path, method)).status]).toEqual([path, 401]);
    }
    await eventually(async () => expect((await as('admin', '')).json.items).toHaveLength(1));
  });

  it('drops the oldest beyond its limits', async () => {
    await start({ quarantine: { maxCount: 3 } });
    for (let n = 0; n < 6; n += 1) {
      await client.send(`{${n}`);
      await eventually(async () => expect((await client.list('?limit=1'))[0]?.bytes).toBe(2));
    }
    const items = await client.listOf(3);
    const bodies = await Promise.all(
      items.map(async ({ id }: { id: string }) => (await client.call('GET', `/${id}`)).json.body),
    );
    expect(new Set(bodies)).toEqual(new Set(['{3', '{4', '{5']));
    await restart({ quarantine: { maxBytes: 4 } });
    await client.listOf(2);
    await restart({ clock: new ManualClock(Date.now() + 60_000), quarantine: { retentionMs: 50_000 } });
    await client.listOf(0);
  });

  it('survives a restart, and is written before the service stops', async () => {
    await start();
    const statuses = await Promise.all(Array.from({ length: 300 }, (_, n) => client.send(`{${n}`)));
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([400]));
    await restart();
    expect(await client.list('?limit=1000')).toHaveLength(300);
  });

  it('keeps nothing if it is turned off, and drops what was kept before', async () => {
    await start();
    expect((await client.send('{')).status).toBe(400);
    await client.listOf(1);
    await restart({ quarantine: { maxCount: 0 } });
    await client.listOf(0);
    expect((await client.send('{')).status).toBe(400);
    expect((await client.send(event({ event: 'onMute' }))).status).toBe(202);
    expect(service.logged.filter(({ quarantined }) => quarantined !== undefined)).toEqual([]);
    await restart();
    expect(await client.list()).toEqual([]);
  });
});

describe('while the store is unavailable, the quarantine', () => {
  it('says what it could not write when the service stops', async () => {
    const redis = await RedisServer.start();
    const service = await startService({ redisUrl: redis.url });
    try {
      redis.freeze(true);
      expect((await clientOf(service).send('{', '/callbacks/bandwidth')).status).toBe(400);
    } finally {
      await service.stop();
      redis.freeze(false);
      await redis.stop();
    }
    const msg = 'refused callbacks are not kept, because the store is unavailable';
    expect(service.logged).toContainEqual(expect.objectContaining({ level: 40, callbacks: 1, msg }));
  });

  it.each([
    ['callbacks', '{', 1_100, 1_024],
    ['bytes', 'x'.repeat(65_536), 80, 64],
  ])(
    'delays no response, keeps a bounded number of %s in memory, and writes them later',
    async (_, body, sent, kept) => {
      const redis = await RedisServer.start();
      const service = await startService({ redisUrl: redis.url });
      const send = async (count: number) => {
        const startMs = performance.now();
        const answers = await Promise.all(
          Array.from({ length: count }, () => clientOf(service).send(body, '/callbacks/bandwidth')),
        );
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
        return (performance.now() - startMs) / count;
      };
      try {
        const usualMs = await send(20);
        await clientOf(service).listOf(20);
        redis.freeze(true);
        expect(await send(sent)).toBeLessThan(10 * usualMs + 20);
        const full = service.logged.filter(({ msg }) => String(msg).startsWith('The quarantine refuses to keep'));
        expect(full).toMatchObject([{ level: 50, msg: expect.stringContaining('FULL') }]);
        redis.freeze(false);
        await eventually(async () => {
          const { quarantine } = (await service.request('/health/ready')).json.details;
          expect(quarantine.entries).toBe(20 + kept);
        });
      } finally {
        redis.freeze(false);
        await service.stop();
        await redis.stop();
      }
    },
  );
});
