// Statistics over HTTP: of what callbacks say, corrected by late ones, and refused if the query is wrong.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'libsql';
import { eventually } from '../eventually.js';
import { newDatabase } from '../history/databases.js';
import { closeOnce } from '../leftovers.js';
import { ManualClock } from '../manual-clock.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, type ServiceOptions, startService } from './service.js';

const MINUTE = 60_000;
const NONE = { left: 0, ended: 0, lost: 0, reconciled: 0, superseded: 0, expired: 0 };
const textOf = (ms: number) => new Date(ms).toISOString();

describe('statistics of a service', () => {
  let running: Service[] = [];
  afterEach(async () => {
    await Promise.all(running.map((service) => service.stop()));
    running = [];
  });

  let clock: ManualClock;
  const newClock = () => {
    clock = new ManualClock(Date.parse('2026-11-23T09:30:00.000Z'));
    return clock;
  };

  const start = async (options: ServiceOptions) => {
    const service = await startService(options);
    running.push(service);
    return service;
  };

  /** Resolves ten minutes after the time from which history is complete, with that time. */
  const begin = async (service: Service, clock: ManualClock) => {
    let fromMs = 0;
    await eventually(async () => {
      clock.advance(1_000);
      fromMs = clock.now();
      expect((await service.request(`/v1/connections?from=${textOf(fromMs)}`)).json.complete).toBe(true);
    });
    clock.advance(10 * MINUTE);
    return fromMs;
  };

  it.each([
    ['SQLite', async () => [await start({ clock: newClock(), history: 'embedded' })]],
    [
      'two nodes and PostgreSQL',
      async () => {
        const redis = await RedisServer.start();
        const options = {
          clock: newClock(),
          redisUrl: redis.url,
          redisPrefix: 'statistics',
          history: await newDatabase(),
        };
        return [await start(options), await start(options)];
      },
    ],
  ] as const)('are corrected by late callbacks: %s', async (_, startAll) => {
    const services = await startAll();
    const [service] = services as [Service];
    const fromMs = await begin(service, clock);
    const path = `from=${textOf(fromMs)}&to=${textOf(fromMs + 2 * MINUTE)}`;
    const eachSays = (query: string, expected: object) =>
      eventually(async () => {
        clock.advance(1_000);
        for (const one of services) expect((await one.request(`/v1/stats${query}`)).json).toEqual(expected);
      });
    const send = (event: string, participantId: string, afterMs: number) =>
      service.callback({ event, participantId, timestamp: String(fromMs + afterMs), tag: 'room-1' });
    const common = { peakParticipants: 2, peakDevices: 2, complete: true };
    const first = { from: textOf(fromMs), to: textOf(fromMs + MINUTE), ...common };
    const second = { from: textOf(fromMs + MINUTE), to: textOf(fromMs + 2 * MINUTE), ...common };
    const stay = (ms: number) => ({ totalMs: ms, meanMs: ms, medianMs: ms, p95Ms: ms });

    await send('onConnect', 'alice', 10_000);
    await send('onConnect', 'bob', 20_000);
    await send('onLeave', 'alice', 90_000);
    await eachSays(`?${path}&interval=PT1M&tag=room-1`, {
      items: [
        { ...first, arrivals: 2, departures: NONE, participantMs: 90_000, stay: null },
        { ...second, arrivals: 0, departures: { ...NONE, left: 1 }, participantMs: 90_000, stay: stay(80_000) },
      ],
      complete: true,
    });
    await send('onLeave', 'alice', 30_000);
    await eachSays(`?${path}&interval=PT1M&tag=room-1`, {
      items: [
        { ...first, arrivals: 2, departures: { ...NONE, left: 1 }, participantMs: 60_000, stay: stay(20_000) },
        {
          ...second,
          peakParticipants: 1,
          peakDevices: 1,
          arrivals: 0,
          departures: NONE,
          participantMs: 60_000,
          stay: null,
        },
      ],
      complete: true,
    });
    const counts = {
      ...common,
      arrivals: 2,
      departures: { ...NONE, left: 1 },
      participantMs: 120_000,
      stay: stay(20_000),
    };
    const { complete: _complete, ...ofTag } = counts;
    await eachSays(`/tags?${path}`, { items: [{ tag: 'room-1', ...ofTag }], complete: true });
    await eachSays(`/tags?${path}&limit=1&source=bandwidth&scope=r1`, { items: [], complete: true });
  });

  it('end now if the range does not', async () => {
    const service = await start({ clock: newClock(), history: 'embedded' });
    await begin(service, clock);
    const [fromMs, nowMs] = [clock.now() - 90_000, clock.now()];
    const { json } = await service.request(
      `/v1/stats?from=${textOf(fromMs)}&to=${textOf(nowMs + MINUTE)}&interval=PT1M`,
    );
    expect(json.items.map(({ from, to }: { from: string; to: string }) => [from, to])).toEqual([
      [textOf(fromMs), textOf(fromMs + MINUTE)],
      [textOf(fromMs + MINUTE), textOf(nowMs)],
    ]);
  });

  it('are not there without history, or its database', async () => {
    const query = 'from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z';
    const without = await start({});
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-statistics-'));
    closeOnce(() => rmSync(dataDir, { recursive: true, force: true }));
    const newer = new Database(join(dataDir, 'history.db'));
    newer.exec('CREATE TABLE connections (id INTEGER); PRAGMA user_version = 99');
    newer.close();
    const away = await start({ dataDir, history: 'embedded' });
    for (const path of ['/v1/stats', '/v1/stats/tags']) {
      expect((await without.request(`${path}?${query}`)).json.type).toBe('urn:rollcall:problem:not-configured');
      const { status, json, headers } = await away.request(`${path}?${query}`);
      expect([status, json.type]).toEqual([503, 'urn:rollcall:problem:store-unavailable']);
      expect(headers.has('retry-after')).toBe(true);
    }
  });
});

describe('a query for statistics', () => {
  const DAY = 'from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z';
  let service: Service;
  beforeAll(async () => {
    service = await startService({ history: 'embedded' });
  });
  afterAll(async () => service.stop());

  it.each([
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '#/to', 'must be later than from'],
    ['from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', '#/to', 'must be at most 366 days after from'],
    ['from=2999-01-01T00:00:00Z&to=2999-01-02T00:00:00Z', '#/from', 'must be in the past'],
    ['from=yesterday&to=2026-01-01T00:00:00Z', '#/from', expect.stringContaining('must be a time like')],
    ['from=2026-01-01T00:00:00Z', '#/to', expect.stringContaining('must be a time like')],
    [`${DAY}&source=acme`, '#/source', expect.any(String)],
    [`${DAY}&color=red`, '#/color', 'is not a known parameter'],
  ])('is refused: %s', async (query, pointer, message) => {
    for (const path of ['/v1/stats', '/v1/stats/tags']) {
      const { status, json } = await service.request(`${path}?${query}`);
      expect([path, status, json.errors]).toEqual([path, 400, [{ pointer, message }]]);
    }
  });

  it.each([
    [`/v1/stats?${DAY}&interval=PT2M`, '#/interval', 'must be one of PT1M, PT5M, PT1H, P1D'],
    [
      '/v1/stats?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:01Z&interval=PT1M',
      '#/interval',
      'must be longer, or the range shorter: 1441 intervals are more than 1440',
    ],
    [`/v1/stats?${DAY}&limit=1`, '#/limit', 'is not a known parameter'],
    [`/v1/stats/tags?${DAY}&limit=0`, '#/limit', expect.stringContaining('must be a whole number')],
    [`/v1/stats/tags?${DAY}&tag=red`, '#/tag', 'is not a known parameter'],
  ])('is refused: %s', async (path, pointer, message) => {
    const { status, json } = await service.request(path);
    expect([status, json.errors]).toEqual([400, [{ pointer, message }]]);
  });

  it('may be for a day of minutes', async () => {
    const { status, json } = await service.request(`/v1/stats?${DAY}&interval=PT1M`);
    expect([status, json.items.length, json.complete]).toEqual([200, 1_440, false]);
  });
});
