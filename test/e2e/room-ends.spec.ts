// Ends that name no participant: of rooms, and of devices.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RoomEnd } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../src/domain/subject.js';
import { mintToken } from '../../src/sources/authentication/callback-token.js';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import { encodeEnd, roomTarget } from '../../src/storage/encoding/end-codec.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { ManualClock } from '../manual-clock.js';
import { formDialect, signUrl } from '../sources/form-source.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { exportOf, importInto } from '../transfer/transfer.js';
import { type Service, type ServiceOptions, startService } from './service.js';

const KEY = 'a-signing-key';
const SECRET = 'a-secret-of-32-characters-or-more-for-tests';
const PUBLIC_URL = 'https://rollcall.example.com';
const NOW = Date.now();
const OPTIONS = {
  sources: [
    { name: BANDWIDTH, dialect: 'bandwidth' },
    { name: 'forms' as SourceName, dialect: 'form', settings: { keys: [KEY], reasonlessEnd: 'left' } },
  ],
  dialects: { bandwidth, form: formDialect },
  access: { publicUrl: PUBLIC_URL, callbackSecrets: [SECRET] },
} satisfies ServiceOptions;

/** `at`: in seconds from now. */
async function send(service: Service, event: string, at: number, parts: object = {}, path = '/callbacks/forms') {
  const fields = { room: 'r1', user: 'ann', device: 'd1', event, at: String(NOW + at * 1_000), ...parts };
  const body = new URLSearchParams(fields).toString();
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-signature': signUrl(KEY, PUBLIC_URL + path, body),
  };
  return (await service.request(path, { method: 'POST', headers, body })).status;
}

const occupancy = async (service: Service, room = 'r1') =>
  (await service.request(`/v1/occupancy?source=forms&scope=${room}`)).json.connected;
const participant = async (service: Service, user: string) =>
  (await service.request(`/v1/participants/${user}?source=forms&scope=r1`)).json;

async function join250(service: Service): Promise<void> {
  const users = Array.from({ length: 250 }, (_, n) => `p${n}`);
  const answers = users.map((user, n) => send(service, 'joined', -600 + n, { user, device: `of-${user}` }));
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
}

describe.each(['SQLite', 'Redis'])('on %s', (store) => {
  let redis: RedisServer | undefined;
  let dataDir: string;
  let services: Service[];
  beforeEach(async () => {
    services = [];
    redis = store === 'Redis' ? await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always') : undefined;
    dataDir = mkdtempSync(join(tmpdir(), 'rollcall-rooms-'));
  });
  afterEach(async () => {
    for (const service of services) await service.stop();
    await redis?.stop();
    rmSync(dataDir, { recursive: true });
  });

  async function start(options: ServiceOptions = {}): Promise<Service> {
    const shared = { redisPrefix: 'rooms', dataDir, ...(redis && { redisUrl: redis.url }) };
    const service = await startService({ ...OPTIONS, ...shared, ...options });
    services.push(service);
    return service;
  }

  describe('the end of a room', () => {
    it('ends everybody who connected before it, page by page, and nobody else', async () => {
      const service = await start();
      await join250(service);
      expect(await send(service, 'joined', -60, { room: 'r2' })).toBe(200);
      expect(await send(service, 'joined', -10, { user: 'late', device: 'd2' })).toBe(200);
      expect(await occupancy(service)).toBe(251);
      expect(await send(service, 'room-ended', -30)).toBe(200);
      await eventually(async () => expect(await occupancy(service)).toBe(1));
      expect(await participant(service, 'late')).toMatchObject({ state: 'connected' });
      expect(await participant(service, 'p0')).toMatchObject({
        state: 'gone',
        cause: 'left',
        since: new Date(NOW - 30_000).toISOString(),
      });
      expect(await occupancy(service, 'r2')).toBe(1);
      expect(await send(service, 'room-ended', -30)).toBe(200);
      expect(await send(service, 'joined', -5, { user: 'p0', device: 'd3' })).toBe(200);
      await eventually(async () => expect(await service.storage.ends.pending(1)).toEqual([]));
      expect(await occupancy(service)).toBe(2);
    });

    it('corrects the end of those who are gone since a later time', async () => {
      const service = await start();
      await send(service, 'joined', -60);
      await send(service, 'left', -10);
      expect(await participant(service, 'ann')).toMatchObject({ since: new Date(NOW - 10_000).toISOString() });
      await send(service, 'room-ended', -30);
      const since = new Date(NOW - 30_000).toISOString();
      await eventually(async () => expect(await participant(service, 'ann')).toMatchObject({ state: 'gone', since }));
    });

    it('also ends whoever is received later, without announcing them as connected', async () => {
      const service = await start();
      const { position } = (await service.request('/v1/changes')).json;
      expect(await send(service, 'room-ended', -30)).toBe(200);
      await eventually(async () => expect(await service.storage.ends.pending(1)).toEqual([]));
      expect(await send(service, 'joined', -60)).toBe(200);
      expect(await participant(service, 'ann')).toMatchObject({ state: 'gone', cause: 'left' });
      const { items } = (await service.request(`/v1/changes?after=${position}`)).json;
      expect(items.map(({ type }: { type: string }) => type)).toEqual(['device.gone', 'participant.gone']);
    });

    it('also ends whoever is imported later', async () => {
      const old = await startService(OPTIONS);
      services.push(old);
      await send(old, 'joined', -60);
      const clock = new ManualClock(NOW);
      const service = await start({ clock });
      // More than are applied at once; that of the participant is the last one.
      for (let n = 0; n < 120; n += 1) await send(service, 'room-ended', -30, { room: `other-${n}` });
      clock.advance(1);
      await send(service, 'room-ended', -30);
      await eventually(async () => expect(await service.storage.ends.pending(1)).toEqual([]));
      await importInto(service.storage, await exportOf(old.storage));
      expect(await participant(service, 'ann')).toMatchObject({ state: 'connected' });
      clock.advance(10_000);
      await eventually(async () => expect(await participant(service, 'ann')).toMatchObject({ state: 'gone' }));
      await eventually(async () => expect(await service.storage.ends.pending(1)).toEqual([]));
    });

    it('leaves nobody behind whose connect is received at the same time', async () => {
      const nodes = redis ? [await start(), await start()] : [await start()];
      const rooms = Array.from({ length: 40 }, (_, n) => `race-${n}`);
      await Promise.all(
        rooms.map(async (room, n) => {
          const [one, other] = [nodes[n % nodes.length], nodes[(n + 1) % nodes.length]] as [Service, Service];
          const connects = ['a', 'b', 'c'].map((user) => send(one, 'joined', -60, { room, user, device: user }));
          await Promise.all([...connects, send(other, 'room-ended', -30, { room })]);
        }),
      );
      for (const room of rooms)
        await eventually(async () => expect(await occupancy(nodes[0] as Service, room)).toBe(0));
      await eventually(async () => expect(await nodes[0]?.storage.ends.pending(1)).toEqual([]));
      for (const room of rooms) expect(await occupancy(nodes[0] as Service, room)).toBe(0);
    });

    it('is applied by another process, or after a restart, if the first one does not get to it', async () => {
      const first = await start();
      await join250(first);
      const release = first.holdLoads();
      expect(await send(first, 'room-ended', -30)).toBe(200);
      // With Redis, the other process does not wait for the first one, which stands still.
      const stopped = redis ? undefined : first.stop();
      if (stopped) release();
      await stopped;
      // A file that was open in this process cannot be opened again.
      const copy = join(dataDir, 'copy');
      mkdirSync(copy);
      if (!redis) copyFileSync(join(dataDir, 'rollcall.db'), join(copy, 'rollcall.db'));
      const second = await start({ dataDir: copy });
      await eventually(async () => expect(await occupancy(second)).toBe(0));
      release();
    });

    it('is refused from a minted URL, which is that of one participant', async () => {
      const service = await start();
      const { token } = mintToken('forms', SECRET, { expiresAtMs: NOW + 60_000, tag: undefined });
      const path = `/callbacks/forms/${token}`;
      expect(await send(service, 'room-ended', 0, {}, path)).toBe(403);
      expect(await send(service, 'gone', 0, {}, path)).toBe(403);
      expect(await service.storage.ends.pending(1)).toEqual([]);
    });
  });

  describe('the end of a device whose participant is not named', () => {
    it('ends that of the participant who connected with it, whichever is received first', async () => {
      const service = await start();
      await send(service, 'joined', -60);
      expect(await send(service, 'gone', -30, { user: '' })).toBe(200);
      expect(await participant(service, 'ann')).toMatchObject({ state: 'gone', cause: 'left' });
      expect(await send(service, 'gone', -30, { user: '', device: 'd2' })).toBe(200);
      expect((await participant(service, 'bob')).status).toBe(404);
      await send(service, 'joined', -60, { user: 'bob', device: 'd2' });
      expect(await participant(service, 'bob')).toMatchObject({ state: 'gone', cause: 'left' });
      await send(service, 'joined', -60, { user: 'eve', device: 'd3', room: 'r2' });
      expect(await occupancy(service, 'r2')).toBe(1);
    });
  });
});

it('an end that fails for one participant is applied to all others, and does not hold up the ends after it', async () => {
  const redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  const clock = new ManualClock(NOW);
  const service = await startService({ ...OPTIONS, redisUrl: redis.url, redisPrefix: 'rooms', clock });
  const client = new Redis(redis.url);
  closeOnce(() => client.disconnect());
  await join250(service);
  await send(service, 'joined', -600, { room: 'r2' });
  const source = 'forms' as SourceName;
  const key = `rooms:{0}:p:${keyOf({ source, scope: 'r1', participantId: 'p0' as ParticipantId })}`;
  const record = await client.getBuffer(key);
  await client.set(key, 'damaged');
  expect(await send(service, 'room-ended', -30)).toBe(200);
  await eventually(async () => expect(await occupancy(service)).toBe(1));

  // As after a crash: it is stored, and not applied.
  const end: RoomEnd = {
    kind: 'room-ended',
    source,
    scope: 'r2',
    occurredAtMs: (NOW - 30_000) as RoomEnd['occurredAtMs'],
    receivedAtMs: NOW + 1,
    precisionMs: 1,
  };
  await service.storage.ends.add(roomTarget(source, 'r2'), encodeEnd(end), NOW + 60_000);
  clock.advance(10_000);
  await eventually(async () => expect(await occupancy(service, 'r2')).toBe(0));
  await eventually(async () => expect(await service.storage.ends.pending(2)).toHaveLength(1));

  await client.set(key, record as Buffer);
  await eventually(async () => {
    clock.advance(10_000);
    expect(await service.storage.ends.pending(1)).toEqual([]);
  });
  expect(await occupancy(service)).toBe(0);
  client.disconnect();
  await service.stop();
  await redis.stop();
});

it('ends without a participant are spooled while Redis is unavailable', async () => {
  const redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  const service = await startService({ ...OPTIONS, redisUrl: redis.url, spool: {} });
  await send(service, 'joined', -60);
  await send(service, 'joined', -60, { room: 'r2' });
  await redis.kill();
  expect(await send(service, 'room-ended', -30)).toBe(200);
  expect(await send(service, 'gone', -30, { room: 'r2' })).toBe(200);
  await redis.restart();
  await eventually(async () =>
    expect(await participant(service, 'ann')).toMatchObject({ state: 'gone', cause: 'left' }),
  );
  await eventually(async () => expect(await occupancy(service, 'r2')).toBe(0));
  await service.stop();
  await redis.stop();
});
