// The Redis user of docs/redis.md has every permission that the store needs, and no others.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import type { Changeset } from '../../src/storage/ports.js';
import { parseRedisUrl } from '../../src/storage/redis/client/parse-redis-url.js';
import { RedisConnection } from '../../src/storage/redis/client/redis-connection.js';
import { RedisStorage } from '../../src/storage/redis/redis-storage.js';
import { documentedUser, urlOfUser } from '../storage/redis/acl-user.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { DELIVERY_LIMITS, deliveryUpdate } from './delivery-update.js';
import { BANDWIDTH, indexOf, tagged } from './index-entry.js';
import { quarantined } from './quarantined.js';

const log = pino({ level: 'silent' });
const PERMISSIONS = documentedUser().filter((rule) => rule.startsWith('+'));

function changeset(name: string, changes: string): Changeset {
  const index = indexOf({ sinceMs: 5, tag: 'red' });
  return { key: name as SubjectKey, before: null, after: { record: name, index }, changes };
}

/** Runs every operation of the store, and returns how many were refused. */
async function countRefusals(url: string): Promise<number> {
  const redis = await RedisConnection.open({ address: parseRedisUrl(url) }, log);
  const storage = new RedisStorage(redis, {
    description: 'Redis',
    prefix: 'rollcall',
    shards: 1,
    replayWindowMs: 0,
    sources: [BANDWIDTH],
    clock: systemClock,
    log,
  });
  const [a, b] = [changeset('a', 'a change'), changeset('b', 'another change')];
  const callback = quarantined();
  const update = deliveryUpdate('endpoint');
  const events = [1, 2].map((number) => ({ number, atMs: 1, text: 'event' }));
  const occupancy = { state: 'state', tags: new Map([['red', 0]]), events };
  const begin = await storage.feed.end().catch(() => []);
  const outcomes = [...(await storage.records.load([a.key])), ...(await storage.records.commit([a, b]))];
  const page = { states: ['connected'] } as const;
  const rest = await Promise.allSettled([
    storage.index.page(page, { sinceMs: 5, key: a.key }, 1),
    storage.index.occupancy({ group: tagged('red') }),
    storage.index.tags(undefined, null, 10),
    storage.index.sources(),
    storage.labels.choose(['call']),
    storage.labels.complete('[""]'),
    storage.records.claimDue({ nowMs: Date.now(), untilMs: Date.now(), limit: 10 }),
    storage.feed.end(),
    storage.feed.at(0),
    storage.feed.read(begin, 10),
    storage.feed.waitForChange(begin.length > 0 ? begin : [{ epoch: '', entry: '0-0' }], new AbortController().signal),
    storage.bindings.bind('ref', a.key, Date.now() + 60_000),
    storage.bindings.find('ref'),
    storage.bindings.page(null, 10),
    storage.ends.add('room', { text: 'end', receivedAtMs: 1 }, Date.now() + 60_000),
    storage.ends.list('room'),
    storage.ends.pending(1),
    storage.ends.settle('room', 'end'),
    storage.leases.acquire('job', 1_000),
    storage.leases.renew('job', 1, 1_000),
    storage.leases.saveNote('job', 1, 'note'),
    storage.leases.note('job'),
    storage.webhookSettings.replace('endpoint', null, 'text'),
    storage.webhookSettings.revision(),
    storage.webhookSettings.list(),
    storage.webhookSettings.get('endpoint'),
    storage.deliveries.save({ name: 'job', token: 1 }, [update], DELIVERY_LIMITS),
    storage.deliveries.addAttempt('endpoint', update.records.attempts[0], 0),
    storage.deliveries.states(),
    storage.deliveries.state('endpoint'),
    storage.deliveries.page('attempts', 'endpoint', null, 1),
    storage.deliveries.record('attempts', 'endpoint', update.records.attempts[0].id),
    storage.deliveries.remove('attempts', 'endpoint', update.records.attempts[0].id),
    storage.deliveries.count('attempts', 'endpoint'),
    storage.deliveries.forget(['endpoint']),
    storage.occupancyEvents.save({ name: 'job', token: 1 }, occupancy, { maxCount: 1, oldestMs: 0 }),
    storage.occupancyEvents.state(),
    storage.occupancyEvents.tags(),
    storage.occupancyEvents.events(0, 1),
    storage.occupancyEvents.newestNumber(),
    storage.leases.release('job', 1),
    storage.feed.trim({ retentionMs: 86_400_000, maxBytes: 1 }),
    storage.check(),
    storage.incidents.check(),
    storage.incidents.list(),
    storage.incidents.acknowledge('none'),
    storage.quarantine.add([callback]),
    storage.quarantine.page({}, null, 1),
    storage.quarantine.get(callback.id),
    storage.quarantine.size(),
    storage.quarantine.trim({ maxCount: 0, maxBytes: 0, oldestMs: 0 }),
    storage.quarantine.remove([callback.id]),
  ]);
  outcomes.push(...(await storage.records.commit([a, b].map((one) => ({ ...one, before: one.after, after: null })))));
  await storage.close();
  return outcomes.filter((one) => one instanceof Error).length + rest.filter((one) => one.status === 'rejected').length;
}

describe('the Redis user of docs/redis.md', () => {
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    admin = new Redis(server.url, { protocol: 2 });
  });
  afterAll(async () => {
    await admin.quit();
    await server.stop();
  });

  /** Empties the server of data and scripts. Returns a URL that also selects a database. */
  async function emptyWith(user: readonly string[]): Promise<string> {
    await admin.flushall();
    await admin.script('FLUSH');
    return `${await urlOfUser(server.url, user)}/1`;
  }

  it('may run every operation', async () => {
    expect(await countRefusals(await emptyWith(documentedUser()))).toBe(0);
  });

  it.each(PERMISSIONS)('needs %s', async (permission) => {
    const lacking = documentedUser().filter((rule) => rule !== permission);
    expect(await countRefusals(await emptyWith(lacking))).toBeGreaterThan(0);
  });

  it('needs access to the keys with its prefix', async () => {
    const elsewhere = documentedUser().map((rule) => rule.replace('rollcall:', 'other:'));
    expect(await countRefusals(await emptyWith(elsewhere))).toBeGreaterThan(10);
  });
});
