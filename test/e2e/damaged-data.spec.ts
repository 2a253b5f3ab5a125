// Damaged data in the store, left by another program or a fault: it affects its own participant and no other.
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import Database from 'libsql';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { Listener } from './listener.js';
import { type Service, startService } from './service.js';

const GARBAGE = 'PRIVATE-garbage';
const T0 = 1_628_786_234_676;

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

/** A service whose data can be overwritten through the store's own client. */
interface Damageable {
  readonly service: () => Service;
  readonly overwriteRecord: (participantId: string, record: string) => Promise<void>;
  readonly appendEntry: (changes: string) => Promise<void>;
  readonly discard: () => Promise<void>;
}

async function onSqlite(clock: ManualClock): Promise<Damageable> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-damaged-'));
  let copies = 0;
  let dataDir = join(dir, '0');
  let service = await startService({ dataDir, clock });
  const write = async (sql: string) => {
    await service.stop();
    const from = join(dataDir, 'rollcall.db');
    copies += 1;
    dataDir = join(dir, String(copies));
    mkdirSync(dataDir);
    // The driver locks a file until its prepared statements are garbage-collected; a copy is not locked.
    copyFileSync(from, join(dataDir, 'rollcall.db'));
    const db = new Database(join(dataDir, 'rollcall.db'));
    db.exec(sql);
    db.close();
    service = await startService({ dataDir, clock });
  };
  return {
    service: () => service,
    overwriteRecord: (id, record) => write(`UPDATE participants SET record = '${record}' WHERE key = '${id}'`),
    appendEntry: (changes) => write(`INSERT INTO entries SELECT max(id) + 1, '${changes}', max(bytes) FROM entries`),
    discard: async () => {
      await service.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

async function onRedis(clock: ManualClock): Promise<Damageable> {
  const redisPrefix = randomUUID();
  const service = await startService({ redisUrl: server.url, redisPrefix, clock });
  const redis = new Redis(server.url);
  return {
    service: () => service,
    overwriteRecord: async (id, record) => void (await redis.set(`${redisPrefix}:{0}:p:${id}`, record)),
    appendEntry: async (changes) => void (await redis.xadd(`${redisPrefix}:{0}:changes`, '*', 'n', 0, 'c', changes)),
    discard: async () => {
      redis.disconnect();
      await service.stop();
    },
  };
}

const logged = (service: Service, text: string) => service.logged.filter(({ msg }) => String(msg).includes(text));

describe.each([
  ['SQLite', onSqlite],
  ['Redis', onRedis],
])('on %s', (_, open) => {
  let clock: ManualClock;
  let damageable: Damageable;
  beforeEach(async () => {
    clock = new ManualClock(T0);
    damageable = await open(clock);
  });
  afterEach(() => damageable.discard());

  const callback = (participantId: string, event = 'onConnect') =>
    damageable.service().callback({ participantId, event, timestamp: String(clock.now()) });
  const get = (path: string) => damageable.service().request(path);

  describe.each([
    ['is not JSON', GARBAGE],
    ['is empty', ''],
    ['has an unknown format', JSON.stringify([99, 'PRIVATE'])],
    ['has strings in place of numbers', JSON.stringify([4, 'PRIVATE', 'PRIVATE', 'PRIVATE', 'd1', 'PRIVATE', 'red'])],
    ['has a time out of range', JSON.stringify([4, T0, 1, 0, [['d1', [1e20, 0, [0, 1e20]], 0, 0, 1e20, 0]], 'red'])],
  ])('a record that %s', (_what, record) => {
    beforeEach(async () => {
      for (const name of ['a', 'bad', 'c']) expect((await callback(name)).status).toBe(204);
      await damageable.overwriteRecord('bad', record);
    });

    it('is omitted from lists, which report its id', async () => {
      const { status, json } = await get('/v1/participants?tag=hello-world-phone');
      expect(status).toBe(200);
      expect(json.items).toMatchObject([{ participantId: 'a' }, { participantId: 'c' }]);
      expect(json.unreadable).toEqual(['bad']);
      const pages = [];
      for (let path = '/v1/participants?limit=1'; path !== ''; ) {
        const page = (await get(path)).json;
        pages.push(page.items.length);
        path = page.nextCursor ? `/v1/participants?limit=1&cursor=${page.nextCursor}` : '';
      }
      expect(pages).toEqual([1, 0, 1]);
    });

    it('is unknown in a lookup, which reports its id, and has its own problem type when requested alone', async () => {
      const lookup = await damageable
        .service()
        .post('/v1/participants/lookup', { participantIds: ['a', 'bad', 'new'] });
      expect(lookup.status).toBe(200);
      expect(lookup.json.items).toMatchObject([
        { participantId: 'a', state: 'connected' },
        { participantId: 'bad', state: 'unknown' },
        { participantId: 'new', state: 'unknown' },
      ]);
      expect(lookup.json.unreadable).toEqual(['bad']);
      const { status, json } = await get('/v1/participants/bad');
      expect([status, json.type]).toEqual([500, 'urn:rollcall:problem:unreadable-record']);
      expect(JSON.stringify(json)).not.toContain('PRIVATE');
      expect((await get('/v1/participants/a')).status).toBe(200);
      const explanation = await get('/v1/participants/bad/explain');
      expect([explanation.status, explanation.json.type]).toEqual([500, 'urn:rollcall:problem:unreadable-record']);
      expect(explanation.text).not.toContain('PRIVATE');
    });

    it('is logged once at level error, with the participant but without the stored text', async () => {
      for (let n = 0; n < 3; n += 1) {
        await get('/v1/participants');
        await get('/v1/participants/bad');
      }
      const lines = logged(damageable.service(), 'a stored record cannot be read');
      expect(lines).toMatchObject([{ level: 50, participantId: 'bad' }]);
      expect(JSON.stringify(damageable.service().logged)).not.toContain('PRIVATE');
    });

    it('causes only the callbacks of its own participant to be refused, and delays no deadlines', async () => {
      const events = ['a', 'bad', 'c'].map((name) => callback(name, 'onDisconnect'));
      expect((await Promise.all(events)).map(({ status }) => status)).toEqual([204, 503, 204]);
      await eventually(async () => {
        clock.advance(15_000);
        const { json } = await get('/v1/participants?state=gone');
        expect(json.items).toMatchObject([{ participantId: 'a' }, { participantId: 'c' }]);
      });
      // The connection of the damaged record should have expired as well; it stays due and delays no others.
      clock.advance(10 * 3_600_000);
      await callback('d');
      await callback('d', 'onDisconnect');
      await eventually(async () => {
        clock.advance(15_000);
        expect((await get('/v1/participants/d')).json.state).toBe('gone');
      });
      // After a round that timed out, the next one starts after a delay.
      await eventually(async () => {
        clock.advance(1_000);
        // Not ready as a whole: this clock is not that of Redis.
        expect((await get('/health/ready')).json.details.deadlines).toEqual({ status: 'up' });
      });
    });
  });

  it('resets followers that have not passed a damaged feed entry, once', async () => {
    const { position: begin } = (await get('/v1/changes')).json;
    await callback('before');
    await damageable.appendEntry(GARBAGE);
    await callback('after');
    const first = (await get(`/v1/changes?after=${begin}`)).json;
    expect(first.items).toMatchObject([{ participantId: 'before' }, { participantId: 'before' }]);
    const next = await get(`/v1/changes?after=${first.position}&wait=30`);
    expect([next.status, next.json.type]).toEqual([410, 'urn:rollcall:problem:position-gone']);
    const listed = (await get('/v1/participants')).json;
    expect(listed.items).toHaveLength(2);
    const listener = await Listener.open(damageable.service().url, { query: `after=${begin}` });
    await eventually(() => expect(listener.types).toEqual(['device.connected', 'participant.connected', 'reset']));
    listener.close();
    await callback('later');
    const later = (await get(`/v1/changes?after=${listed.position}`)).json;
    expect(later.items).toMatchObject([{ participantId: 'later' }, { participantId: 'later' }]);
    expect(logged(damageable.service(), 'cannot be decoded')).toMatchObject([
      { level: 50, shard: 0, entry: expect.any(String) },
    ]);
    expect(JSON.stringify(damageable.service().logged)).not.toContain('PRIVATE');
  });
});

describe('on Redis', () => {
  it('commits, trimming and lists work despite a foreign stream entry, a key of another type or a deleted one', async () => {
    const redisPrefix = randomUUID();
    const clock = new ManualClock(T0);
    const feed = { retentionMs: 1 };
    const service = await startService({ redisUrl: server.url, redisPrefix, clock, feed });
    const redis = new Redis(server.url);
    const send = (participantId: string) => service.callback({ participantId });
    const changesKey = `${redisPrefix}:{0}:changes`;
    for (const name of ['a', 'bad', 'missing']) expect((await send(name)).status).toBe(204);
    const { position } = (await service.request('/v1/changes')).json;
    const listener = await Listener.open(service.url);
    await redis.xadd(changesKey, '*', 'other', 'entry');
    await eventually(() => expect(listener.types).toEqual(['reset']));
    listener.close();
    expect((await service.request(`/v1/changes?after=${position}`)).status).toBe(410);
    expect((await send('b')).status).toBe(204);
    await redis.xadd(changesKey, '*', 'n', 'no number');
    expect((await send('c')).status).toBe(204);
    await eventually(async () => {
      clock.advance(5_000);
      expect(await redis.xlen(changesKey)).toBeLessThanOrEqual(2);
    });
    await redis.del(`${redisPrefix}:{0}:p:missing`, `${redisPrefix}:{0}:p:bad`);
    await redis.rpush(`${redisPrefix}:{0}:p:bad`, 'a', 'list');
    const { status, json } = await service.request('/v1/participants');
    expect(status).toBe(200);
    expect(json.items.map(({ participantId }: { participantId: string }) => participantId)).toEqual(['a', 'b', 'c']);
    expect(json.unreadable).toEqual(['bad', 'missing']);
    // The list has shown that two records are gone.
    await eventually(async () => {
      expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 3, devices: 3 });
    });
    expect((await service.request('/v1/participants')).json).not.toHaveProperty('unreadable');
    expect(logged(service, 'lost the records')).toMatchObject([
      { level: 50, participants: 2, first: { participantId: 'bad' } },
    ]);
    for (const name of ['bad', 'missing']) expect((await send(name)).status).toBe(204);
    expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 5 });
    await redis.del(`${redisPrefix}:{0}:p:missing`);
    await eventually(async () => {
      clock.advance(5_000);
      expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 4 });
    });
    redis.disconnect();
    await service.stop();
  });
});
