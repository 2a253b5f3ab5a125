// While Redis is unavailable, callbacks are spooled, and applied once it is back.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { mintToken } from '../../src/sources/authentication/callback-token.js';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED, type Service, type ServiceOptions, startService } from './service.js';

const SECRET = 'the-one-live-secret-of-at-least-32-characters';
const SPOOLED = 'events are spooled until the store can take them';
const APPLIED = 'all spooled events have been applied';

let redis: RedisServer;
let dataDir: string;
beforeEach(async () => {
  redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  dataDir = mkdtempSync(join(tmpdir(), 'rollcall-spool-'));
});
afterEach(async () => {
  redis.freeze(false);
  await redis.stop();
  rmSync(dataDir, { recursive: true });
});

describe('a callback that Redis cannot take', () => {
  let service: Service;
  afterEach(() => service.stop());

  async function start(options: ServiceOptions = {}): Promise<void> {
    service = await startService({ redisUrl: redis.url, redisPrefix: 'spool-test', dataDir, spool: {}, ...options });
    expect((await service.callback()).status).toBe(204);
  }
  const messages = () => service.logged.map(({ msg }) => msg);
  const spooled = async () => (await service.request('/health/ready')).json.details.spool.events;
  const participant = async (id = SEED.participantId) => (await service.request(`/v1/participants/${id}`)).json;

  it('is acknowledged with 202 and applied, with the time of its receipt, once Redis is back', async () => {
    await start();
    await redis.kill();
    const beforeMs = Date.now();
    const left = await service.callback({ event: 'onLeave', timestamp: String(Number(SEED.timestamp) + 60_000) });
    expect(left.status).toBe(202);
    for (let n = 0; n < 300; n += 1) expect((await service.callback({ participantId: `p${n}` })).status).toBe(202);
    const afterMs = Date.now();
    expect((await service.request('/v1/participants')).status).toBe(503);
    const ready = await service.request('/health/ready');
    expect(ready).toMatchObject({
      status: 200,
      json: { status: 'ok', details: { store: { status: 'down' }, spool: { status: 'up', events: 301 } } },
    });
    const { position } = await redis.restart().then(() => eventuallyPosition());
    await eventually(() => expect(messages()).toContain(APPLIED));
    expect(await participant()).toMatchObject({ state: 'gone', cause: 'left' });
    expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 300 });
    const { json } = await service.request(`/v1/changes?after=${position}&limit=1000`);
    for (const { receivedAt } of json.items) {
      expect(Date.parse(receivedAt)).toBeGreaterThanOrEqual(beforeMs);
      expect(Date.parse(receivedAt)).toBeLessThanOrEqual(afterMs);
    }
    expect(messages().filter((msg) => msg === SPOOLED)).toHaveLength(1);
    // Probes within a second share one check.
    await eventually(async () =>
      expect((await service.request('/health/ready')).json.details).toMatchObject({
        store: { status: 'up' },
        spool: { events: 0, oldestAgeMs: 0 },
      }),
    );
    expect((await service.callback({ event: 'onLeave', participantId: 'p7' })).status).toBe(204);
  });

  const eventuallyPosition = async () => {
    let json: { position: string } = { position: '' };
    await eventually(async () => {
      const response = await service.request('/v1/changes');
      expect(response.status).toBe(200);
      json = response.json;
    });
    return json;
  };

  it('is acknowledged long before its sender gives up while Redis is frozen, and applied once even if its commit had only lost its reply', async () => {
    await start();
    const { position } = await eventuallyPosition();
    redis.freeze(true);
    const startMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => service.callback({ participantId: `p${n}` })),
    );
    expect(performance.now() - startMs).toBeLessThan(6_000);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    redis.freeze(false);
    await eventually(() => expect(messages()).toContain(APPLIED));
    expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 21 });
    const { json } = await service.request(`/v1/changes?after=${position}&participantId=p3`);
    expect(json.items.map(({ type }: { type: string }) => type)).toEqual(['device.connected', 'participant.connected']);
  });

  it('is refused once the spool is full', async () => {
    await start({ spool: { maxBytes: 1_000 } });
    await redis.kill();
    const statuses: number[] = [];
    for (let n = 0; n < 10; n += 1) statuses.push((await service.callback({ participantId: `p${n}` })).status);
    expect(statuses.slice(0, 2)).toEqual([202, 202]);
    expect(statuses.at(-1)).toBe(503);
    const refused = await service.callback();
    expect(refused.headers.get('retry-after')).toBe('1');
    await eventually(async () => expect((await service.request('/health/ready')).status).toBe(503));
    expect(messages()).toContain('The spool refuses to take events: FULL, it has reached SPOOL_MAX_BYTES');
    await redis.restart();
    await eventually(() => expect(messages()).toContain(APPLIED));
    const { connected } = (await service.request('/v1/occupancy')).json;
    expect(connected).toBe(1 + statuses.filter((status) => status === 202).length);
  });

  it('is refused once the oldest event in the spool is too old', async () => {
    await start({ spool: { maxAgeMs: 200 } });
    await redis.kill();
    expect((await service.callback({ participantId: 'first' })).status).toBe(202);
    await eventually(async () => expect((await service.callback()).status).toBe(503));
    expect(messages()).toContainEqual(expect.stringMatching(/^The spool refuses to take events: OLD, /));
    await redis.restart();
    await eventually(async () => expect((await service.callback()).status).toBe(204));
  });

  it('is refused if events are not spooled, as with SPOOL_MAX_BYTES=0', async () => {
    service = await startService({ redisUrl: redis.url });
    await redis.kill();
    expect((await service.callback()).status).toBe(503);
    expect((await service.request('/health/ready')).status).toBe(503);
  });

  it('through a minted URL is refused when it is applied if the URL is bound to another participant', async () => {
    const access = { callbackSecrets: [SECRET], apiKeys: [], isRequired: true };
    service = await startService({ redisUrl: redis.url, redisPrefix: 'spool-test', dataDir, spool: {}, access });
    const { ref, token } = mintToken('bandwidth', SECRET, { expiresAtMs: Date.now() + 60_000, tag: undefined });
    const path = `/callbacks/bandwidth/${token}`;
    expect((await service.post(path, SEED)).status).toBe(204);
    await redis.kill();
    const body = `  ${JSON.stringify({ ...SEED, participantId: 'intruder', name: 'Zoë' })}\n`;
    const beforeMs = Date.now();
    expect((await service.post(path, body)).status).toBe(202);
    const afterMs = Date.now();
    expect((await service.post(path, { ...SEED, event: 'onLeave' })).status).toBe(202);
    await redis.restart();
    await eventually(() => expect(messages()).toContain(APPLIED));
    expect(service.logged).toContainEqual(
      expect.objectContaining({ msg: 'spooled event refused', reason: 'wrong-participant', ref }),
    );
    await eventually(async () => expect((await service.request('/v1/quarantine')).json.items).toHaveLength(1));
    const [{ id, reason, contentType, receivedAt }] = (await service.request('/v1/quarantine')).json.items;
    expect([reason, contentType]).toEqual(['wrong-participant', 'application/json']);
    expect(Date.parse(receivedAt)).toBeGreaterThanOrEqual(beforeMs);
    expect(Date.parse(receivedAt)).toBeLessThanOrEqual(afterMs);
    const { json } = await service.request(`/v1/quarantine/${id}`);
    expect(json.body).toBe(body);
    expect(service.logged).toContainEqual(expect.objectContaining({ msg: 'spooled event refused', quarantined: id }));
    expect((await service.post(`/v1/quarantine/${id}/replay`, {})).json).toEqual({ outcome: 'applied' });
    expect((await participant('intruder')).state).toBe('connected');
  });

  it('is applied although more than a batch of new participants before it wait until there is room', async () => {
    await start({ maxParticipants: 20 });
    const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
    for (const participantId of names('known', 19))
      expect((await service.callback({ participantId })).status).toBe(204);
    await redis.kill();
    for (const participantId of names('new', 150)) expect((await service.callback({ participantId })).status).toBe(202);
    for (const participantId of [SEED.participantId, ...names('known', 19)]) {
      const timestamp = String(Number(SEED.timestamp) + 60_000);
      expect((await service.callback({ event: 'onLeave', participantId, timestamp })).status).toBe(202);
    }
    await redis.restart();
    await eventually(async () => {
      expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 0 });
      expect(await spooled()).toBe(150);
    }, 30_000);
    await service.request('/v1/participants?source=bandwidth', { method: 'DELETE' });
    await eventually(async () => {
      expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 20 });
      expect(await spooled()).toBe(130);
    }, 30_000);
  });

  it('is applied although more than a batch of events of unreadable records are before it', async () => {
    await start();
    const names = Array.from({ length: 150 }, (_, n) => `bad${n}`);
    for (const participantId of names) expect((await service.callback({ participantId })).status).toBe(204);
    const client = new Redis(redis.url);
    await client.mset(names.flatMap((name) => [`spool-test:{0}:p:${name}`, 'garbage']));
    client.disconnect();
    await redis.kill();
    const leave = (participantId: string) => service.callback({ event: 'onLeave', participantId });
    for (const name of names) expect((await leave(name)).status).toBe(202);
    expect((await leave(SEED.participantId)).status).toBe(202);
    await redis.restart();
    await eventually(async () => {
      expect(await participant()).toMatchObject({ state: 'gone', cause: 'left' });
      expect(await spooled()).toBe(150);
    }, 30_000);
  });

  it('is not spooled in a damaged file, which is left as it is', async () => {
    writeFileSync(join(dataDir, 'spool-1.db'), 'not a database, but more than a few bytes long '.repeat(50));
    await start();
    expect(messages()).toContainEqual(expect.stringMatching(/^a spool file cannot be used.*spool-1\.db is damaged/));
    await redis.kill();
    expect((await service.callback({ participantId: 'other' })).status).toBe(202);
    expect(readdirSync(dataDir)).toEqual(expect.arrayContaining(['spool-1.db', 'spool-2.db']));
  });
});

describe('spooled events', () => {
  const settings = () => ({ REDIS_URL: redis.url, DATA_DIR: dataDir, LOG_LEVEL: 'info' });
  async function post(service: ServiceProcess, participantId: string): Promise<number> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...SEED, participantId });
    return (await fetch(`${service.url}/callbacks/bandwidth`, { method: 'POST', headers, body })).status;
  }
  async function connected(service: ServiceProcess): Promise<number> {
    const { connected } = (await (await fetch(`${service.url}/v1/occupancy`)).json()) as { connected: number };
    return connected;
  }

  it('survive kill -9, and are applied by the next process', async () => {
    const first = await ServiceProcess.start(settings());
    await redis.kill();
    for (let n = 0; n < 20; n += 1) expect(await post(first, `p${n}`)).toBe(202);
    await first.end('SIGKILL');
    const second = await ServiceProcess.start(settings());
    expect(second.output).toContain(SPOOLED);
    expect(await post(second, 'p20')).toBe(202);
    await redis.restart();
    await eventually(async () => {
      expect(second.output).toContain(APPLIED);
      expect(await connected(second)).toBe(21);
    });
    expect(await second.end('SIGTERM')).toBe(0);
  });

  it('of several workers are all applied, whichever processes run next', async () => {
    const first = await ServiceProcess.start({ ...settings(), WORKERS: '2' });
    await redis.kill();
    for (let n = 0; n < 40; n += 1) expect(await post(first, `p${n}`)).toBe(202);
    expect(readdirSync(dataDir)).toEqual(expect.arrayContaining(['spool-1.db', 'spool-2.db']));
    await first.end('SIGKILL');
    await redis.restart();
    const second = await ServiceProcess.start(settings());
    await eventually(async () => expect(await connected(second)).toBe(40));
    await second.end('SIGTERM');
  });

  it('are not applied to another store', async () => {
    const first = await ServiceProcess.start(settings());
    await redis.kill();
    expect(await post(first, 'p1')).toBe(202);
    await first.end('SIGKILL');
    await redis.restart();
    const other = await ServiceProcess.start({ ...settings(), REDIS_PREFIX: 'other' });
    expect(other.output).toContain('a spool file has events for another destination');
    expect(await connected(other)).toBe(0);
    await other.end('SIGTERM');
    const same = await ServiceProcess.start(settings());
    await eventually(async () => expect(await connected(same)).toBe(1));
    await same.end('SIGTERM');
  });
});
