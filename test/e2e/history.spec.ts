// History on real stores and databases: what is written while the service runs, after it was unavailable, and after a gap.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import Database from 'libsql';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import { Shard, shardNumber } from '../../src/storage/redis/shard.js';
import { subjectOf } from '../domain/builders.js';
import { eventually } from '../eventually.js';
import { newDatabase, openStore } from '../history/databases.js';
import { closeOnce } from '../leftovers.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { parseSeries } from './scrape.js';
import { SEED, type Service, type ServiceOptions, startService } from './service.js';

/** Recent: what ended before the retention is deleted. */
const START = Date.now() - 120_000;
const SENT = { timestamp: String(START) };
const ROW = {
  participant_id: SEED.participantId,
  device_id: SEED.deviceId,
  source: 'bandwidth',
  scope: '',
  tag: SEED.tag,
};

let running: Service[] = [];
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  running = [];
});

async function start(options: ServiceOptions): Promise<Service> {
  const service = await startService(options);
  running.push(service);
  return service;
}

async function stop(service: Service): Promise<void> {
  running = running.filter((one) => one !== service);
  await service.stop();
}

describe('history in SQLite', () => {
  const folder = () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-history-'));
    closeOnce(() => rmSync(dataDir, { recursive: true, force: true }));
    return dataDir;
  };
  /** As an analyst would, while the service runs. */
  const rows = (dataDir: string, columns: string): Record<string, unknown>[] => {
    const db = new Database(join(dataDir, 'history.db'), { readonly: true });
    try {
      const all = db.prepare(`SELECT ${columns} FROM connections ORDER BY started_at_ms`).all() as object[];
      return all.map((row) => ({ ...row }));
    } finally {
      db.close();
    }
  };

  it('has each connection once, also of callbacks that arrive out of order', async () => {
    const dataDir = folder();
    const service = await start({ dataDir, history: 'embedded' });
    const times = 'participant_id, device_id, source, scope, tag, started_at_ms, ended_at_ms, cause';
    await service.callback(SENT);
    await eventually(() =>
      expect(rows(dataDir, times)).toEqual([{ ...ROW, started_at_ms: START, ended_at_ms: null, cause: null }]),
    );
    await service.callback({ event: 'onConnect', timestamp: String(START + 60_000) });
    await service.callback({ event: 'onLeave', timestamp: String(START + 30_000) });
    await eventually(() =>
      expect(rows(dataDir, times)).toEqual([
        { ...ROW, started_at_ms: START, ended_at_ms: START + 30_000, cause: 'left' },
        { ...ROW, started_at_ms: START + 60_000, ended_at_ms: null, cause: null },
      ]),
    );
  });

  it('answers with connections', async () => {
    const service = await start({ dataDir: folder(), history: 'embedded' });
    await service.callback(SENT);
    await service.callback({ event: 'onLeave', timestamp: String(START + 1_000) });
    await service.callback({ timestamp: String(START + 60_000) });
    const id = encodeURIComponent(SEED.participantId);
    const common = { participantId: SEED.participantId, deviceId: SEED.deviceId, source: 'bandwidth', tag: SEED.tag };
    const [first, second] = [START, START + 60_000].map((ms) => new Date(ms).toISOString());
    const open = { startedAt: second, connectedAt: second, endedAt: null, durationMs: null };
    const ended = {
      startedAt: first,
      connectedAt: first,
      endedAt: new Date(START + 1_000).toISOString(),
      durationMs: 1_000,
    };
    await eventually(async () => {
      const { json } = await service.request(`/v1/participants/${id}/connections`);
      expect(json.items).toEqual([
        { ...common, ...open, interruptions: 0 },
        { ...common, ...ended, cause: 'left', interruptions: 0 },
      ]);
    });
    const { json } = await service.request('/v1/connections?limit=1&order=oldest');
    expect(json).toMatchObject({ items: [ended], nextCursor: expect.any(String) });
    const next = await service.request(`/v1/connections?limit=1&order=oldest&cursor=${json.nextCursor}`);
    expect(next.json.items).toMatchObject([open]);
    expect(next.json).not.toHaveProperty('nextCursor');
    const from = encodeURIComponent(new Date().toISOString());
    expect((await service.request(`/v1/connections?from=${from}`)).json).toMatchObject({
      items: [open],
      complete: true,
    });
    expect((await service.request('/v1/connections?tag=nobody')).json.items).toEqual([]);
    expect((await service.request(`/v1/connections?tag=nobody&cursor=${json.nextCursor}`)).json.errors).toEqual([
      { pointer: '#/cursor', message: 'was issued for other parameters' },
    ]);
  });

  it.each([
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '#/to', 'must be later than from'],
    ['from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', '#/to', 'must be at most 366 days after from'],
    ['from=yesterday', '#/from', expect.stringContaining('must be a time like')],
    ['order=random', '#/order', 'must be newest or oldest'],
    ['open=perhaps', '#/open', 'must be true or false'],
    ['cause=bored', '#/cause', expect.stringContaining('must be one of')],
    ['limit=0', '#/limit', expect.stringContaining('must be a whole number')],
    ['cursor=abc', '#/cursor', 'was not issued by this service'],
    ['source=acme', '#/source', expect.any(String)],
    ['color=red', '#/color', 'is not a known parameter'],
  ])('refuses ?%s', async (query, pointer, message) => {
    const service = await start({ dataDir: folder(), history: 'embedded' });
    const { status, json } = await service.request(`/v1/connections?${query}`);
    expect([status, json.errors]).toEqual([400, [{ pointer, message }]]);
  });

  it.each([
    ['at=yesterday', '#/at', expect.stringContaining('must be a time like')],
    ['', '#/at', expect.stringContaining('must be a time like')],
    ['at=2999-01-01T00:00:00Z', '#/at', 'must not be in the future'],
    ['at=2021-01-01T00:00:00Z', '#/at', expect.stringMatching(/^must not be before 20.*Z: history begins then$/)],
    ['at=2021-01-01T00:00:00Z&cursor=abc', '#/cursor', 'was not issued by this service'],
    ['at=2021-01-01T00:00:00Z&tag=', '#/tag', 'must not be empty'],
  ])('refuses presence?%s', async (query, pointer, message) => {
    const service = await start({ dataDir: folder(), history: 'embedded' });
    await eventually(async () => {
      const { status, json } = await service.request(`/v1/presence?${query}`);
      expect([status, json.errors]).toEqual([400, [{ pointer, message }]]);
    });
  });

  it('answers with who was present at a time', async () => {
    const service = await start({ dataDir: folder(), history: 'embedded' });
    const nowMs = Date.now();
    await service.callback({ timestamp: String(nowMs), participantId: 'p1', tag: 'red' });
    await service.callback({ timestamp: String(nowMs + 1), participantId: 'p1', deviceId: 'd2', tag: 'red' });
    await service.callback({ timestamp: String(nowMs + 2), participantId: 'p2', tag: 'blue' });
    await service.callback({ timestamp: String(nowMs + 3), participantId: 'p2', tag: 'blue', event: 'onLeave' });
    const at = async (ms: number, more = '') =>
      (await service.request(`/v1/presence?at=${new Date(ms).toISOString()}${more}`)).json;
    const device = (deviceId: string, ms: number) => {
      const time = new Date(ms).toISOString();
      return { deviceId, state: 'connected', startedAt: time, connectedAt: time };
    };
    const p1 = { participantId: 'p1', source: 'bandwidth', tag: 'red', state: 'connected' };
    const p2 = { ...p1, participantId: 'p2', tag: 'blue', devices: [device(SEED.deviceId, nowMs + 2)] };
    const both = [device(SEED.deviceId, nowMs), device('d2', nowMs + 1)];
    await eventually(async () => {
      expect((await at(nowMs + 2)).items).toEqual([{ ...p1, devices: both }, p2]);
      expect(await at(nowMs + 3)).toEqual({
        items: [{ ...p1, devices: both }],
        at: new Date(nowMs + 3).toISOString(),
        complete: true,
      });
    });
    expect((await at(nowMs + 2, '&tag=blue&source=bandwidth')).items).toEqual([p2]);
    const first = await at(nowMs + 2, '&limit=1');
    expect(first).toMatchObject({ items: [p1], nextCursor: expect.any(String) });
    const second = await at(nowMs + 2, `&limit=1&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ items: [], nextCursor: expect.any(String) });
    const third = await at(nowMs + 2, `&limit=1&cursor=${second.nextCursor}`);
    expect(third.items).toEqual([p2]);
    expect(third).not.toHaveProperty('nextCursor');
    expect((await at(nowMs + 1, `&limit=1&cursor=${first.nextCursor}`)).errors).toEqual([
      { pointer: '#/cursor', message: 'was issued for other parameters' },
    ]);
  });

  it('streams connections as CSV that no spreadsheet takes for formulas', async () => {
    const service = await start({ dataDir: folder(), history: 'embedded' });
    const tag = '=HYPERLINK("https://example.com","a, b")';
    await service.callback({ ...SENT, participantId: '-5+3', tag });
    await service.callback({ tag, participantId: '-5+3', event: 'onLeave', timestamp: String(START + 2_500) });
    const headers = { accept: 'text/csv, application/json;q=0.5' };
    const [first, last] = [START, START + 2_500].map((ms) => new Date(ms).toISOString());
    await eventually(async () => {
      const csv = await service.request('/v1/connections?order=oldest', { headers });
      expect(csv.text).toBe(
        'participantId,deviceId,source,scope,tag,startedAt,connectedAt,endedAt,durationMs,cause,interruptions\r\n' +
          `'-5+3,${SEED.deviceId},bandwidth,,"'=HYPERLINK(""https://example.com"",""a, b"")",${first},${first},${last},2500,left,0\r\n`,
      );
      expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
      expect(csv.headers.get('rollcall-complete')).toBe('true');
    });
    const early = await service.request(`/v1/connections?from=${first}`, { headers });
    expect(early.headers.get('rollcall-complete')).toBe('false');
    for (const name of ['limit', 'cursor']) {
      const { json } = await service.request(`/v1/connections?${name}=1`, { headers });
      expect(json.errors).toEqual([{ pointer: `#/${name}`, message: 'cannot be combined with text/csv' }]);
    }
    expect((await service.request('/v1/connections', { headers: { accept: 'text/csv;q=0' } })).json.items).toHaveLength(
      1,
    );
  });

  it('streams more connections than a page has', async () => {
    const service = await start({ dataDir: folder(), history: 'embedded' });
    const ids = Array.from({ length: 1_100 }, (_, n) => `p${n}`);
    await Promise.all(ids.map((participantId) => service.callback({ ...SENT, participantId })));
    await eventually(async () => {
      const { text } = await service.request('/v1/connections', { headers: { accept: 'text/csv' } });
      const [, ...lines] = text.trimEnd().split('\r\n');
      expect(new Set(lines.map((line) => line.split(',')[0]))).toEqual(new Set(ids));
      expect(lines).toHaveLength(ids.length);
    });
  });

  it.each(['connections', 'participants/p1/connections', 'presence?at=2026-01-01T00:00:00Z'])(
    'answers 501 to %s while it is off',
    async (path) => {
      const service = await start({});
      expect((await service.request(`/v1/${path}`)).json).toMatchObject({
        status: 501,
        type: 'urn:rollcall:problem:not-configured',
        detail: expect.stringContaining('DATABASE_URL'),
      });
    },
  );

  it('is written once, if the database failed after a part of the changes had been written', async () => {
    const redis = await RedisServer.start();
    closeOnce(() => redis.stop());
    const dataDir = folder();
    const store = { redisUrl: redis.url, redisPrefix: 'history', dataDir };
    const first = await start({ ...store, history: 'embedded' });
    await first.callback(SENT);
    await eventually(() => expect(rows(dataDir, 'id')).toHaveLength(1));
    await stop(first);

    const recording = await start(store);
    const devices = Array.from({ length: 600 }, (_, n) => ({ participantId: `p-${n}`, deviceId: `d-${n}` }));
    const ends = devices.map((one) => ({ ...one, event: 'onLeave', timestamp: String(START + 1_000) }));
    for (const all of [devices.map((one) => ({ ...one, ...SENT })), ends]) {
      await Promise.all(all.map((one) => recording.callback(one)));
    }
    await stop(recording);

    const db = new Database(join(dataDir, 'history.db'));
    // Of the third batch.
    db.exec(`CREATE TRIGGER full_disk BEFORE UPDATE ON connections WHEN NEW.ended_at_ms IS NOT NULL AND NEW.device_id = 'd-599'
      BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
    const service = await start({ ...store, history: 'embedded' });
    await eventually(() => expect(JSON.stringify(service.logged)).toContain('the disk is full'));
    expect(rows(dataDir, 'id')).toHaveLength(1);
    db.exec('DROP TRIGGER full_disk');
    db.close();
    await eventually(() => expect(rows(dataDir, 'id')).toHaveLength(601));
    const written = rows(dataDir, 'ended_at_ms, participant_id').slice(1);
    expect(written.filter((row) => row.ended_at_ms !== START + 1_000)).toEqual([]);
  });

  it('does not claim to be complete while a part of the feed is unavailable', async () => {
    const redis = await RedisServer.start();
    const commands = new Redis(redis.url);
    closeOnce(async () => {
      commands.disconnect();
      await redis.stop();
    });
    const dataDir = folder();
    const options = { redisUrl: redis.url, redisPrefix: 'history', redisShards: 2, dataDir };
    const service = await start({ ...options, history: 'embedded' });
    const readUntilMs = async () => {
      const series = parseSeries((await service.request('/metrics')).text);
      return Number(series.get('rollcall_history_read_until_timestamp_seconds')) * 1_000;
    };
    const startMs = Date.now();
    await eventually(async () => expect(await readUntilMs()).toBeGreaterThan(startMs));
    const { changes } = new Shard('history', 1);
    await commands.rename(changes, 'aside');
    await commands.set(changes, 'of the wrong type');
    const awayMs = Date.now();
    const ids = Array.from({ length: 20 }, (_, n) => `p${n}`);
    const inShard0 = ids.filter((id) => shardNumber(keyOf(subjectOf({ participant: id })), 2) === 0);
    for (const participantId of inShard0) await service.callback({ ...SENT, participantId });
    await eventually(() => expect(rows(dataDir, 'id')).toHaveLength(inShard0.length));
    expect(await readUntilMs()).toBeLessThanOrEqual(awayMs);
    await commands.rename('aside', changes);
    const backMs = Date.now();
    await eventually(async () => expect(await readUntilMs()).toBeGreaterThan(backMs));
  });

  it('is not used if a newer version created it, while presence works', async () => {
    const dataDir = folder();
    const newer = new Database(join(dataDir, 'history.db'));
    newer.exec('CREATE TABLE connections (id INTEGER); PRAGMA user_version = 99');
    newer.close();
    const service = await start({ dataDir, history: 'embedded' });
    await eventually(() =>
      expect(service.logged).toContainEqual(
        expect.objectContaining({ msg: expect.stringContaining('created by a newer version of Rollcall') }),
      ),
    );
    expect((await service.callback()).status).toBe(204);
    expect((await service.request('/health/ready')).status).toBe(200);
    expect((await service.request('/v1/connections')).json).toMatchObject({
      status: 503,
      type: 'urn:rollcall:problem:store-unavailable',
    });
  });
});

describe('history of two nodes in PostgreSQL', () => {
  it('is written by one of them, and by the other one when that stops', async () => {
    const redis = await RedisServer.start();
    const place = await newDatabase();
    const options = { redisUrl: redis.url, redisPrefix: 'history', history: place };
    const nodes = [await start(options), await start(options)] as const;
    const store = await openStore(place);
    const participants = () =>
      store.use(({ db }) => db.selectFrom('connections').select('participant_id').orderBy('participant_id').execute());
    await nodes[1].callback({ ...SENT, participantId: 'p1' });
    await eventually(async () => expect(await participants()).toEqual([{ participant_id: 'p1' }]));
    await stop(nodes[0]);
    await nodes[1].callback({ ...SENT, participantId: 'p2' });
    await eventually(
      async () => expect(await participants()).toEqual([{ participant_id: 'p1' }, { participant_id: 'p2' }]),
      60_000,
    );
  }, 120_000);

  it('continues where it stopped', async () => {
    const redis = await RedisServer.start();
    const place = await newDatabase();
    const options = { redisUrl: redis.url, redisPrefix: 'history' };
    const store = await openStore(place);
    const causes = () => store.use(({ db }) => db.selectFrom('connections').select('cause').execute());
    const first = await start({ ...options, history: place });
    await first.callback(SENT);
    await eventually(async () => expect(await causes()).toEqual([{ cause: null }]));
    await stop(first);
    const without = await start(options);
    await without.callback({ event: 'onLeave', timestamp: String(START + 1_000) });
    await stop(without);
    const last = await start({ ...options, history: place });
    await eventually(async () => expect(await causes()).toEqual([{ cause: 'left' }]));
    expect(last.logged).not.toContainEqual(expect.objectContaining({ msg: expect.stringContaining('gap') }));
  }, 120_000);

  it('has a gap if changes left the feed before they were read, and is right again after it', async () => {
    const redis = await RedisServer.start();
    const place = await newDatabase();
    const options = { redisUrl: redis.url, redisPrefix: 'history' };
    const first = await start({ ...options, history: place });
    const store = await openStore(place);
    const connections = () =>
      store.use(({ db }) =>
        db.selectFrom('connections').select(['participant_id', 'cause']).orderBy('participant_id').execute(),
      );
    await first.callback({ ...SENT, participantId: 'p1' });
    await first.callback({ ...SENT, participantId: 'p2' });
    await first.callback({ ...SENT, participantId: 'damaged' });
    await eventually(async () => expect(await connections()).toHaveLength(3));
    await stop(first);
    const commands = new Redis(redis.url);
    await commands.set(new Shard('history', 0).record(keyOf(subjectOf({ participant: 'damaged' }))), 'damaged');
    commands.disconnect();
    const without = await start({ ...options, feed: { maxBytes: 1 } });
    const before = await without.storage.feed.end();
    await without.callback({ participantId: 'p1', event: 'onLeave', timestamp: String(START + 1_000) });
    await without.callback({ ...SENT, participantId: 'p3' });
    await without.storage.feed.trim({ maxBytes: 1, retentionMs: 86_400_000 });
    expect(await without.storage.feed.read(before, 10)).toBeNull();
    await stop(without);
    const last = await start({ ...options, history: place });
    await eventually(
      async () => expect(await store.use(({ db }) => db.selectFrom('gaps').selectAll().execute())).toHaveLength(1),
      60_000,
    );
    expect(await connections()).toEqual([
      { participant_id: 'damaged', cause: null },
      { participant_id: 'p1', cause: 'left' },
      { participant_id: 'p2', cause: null },
      { participant_id: 'p3', cause: null },
    ]);
    expect(last.logged).toContainEqual(expect.objectContaining({ msg: expect.stringContaining('history has a gap') }));
  }, 120_000);
});
