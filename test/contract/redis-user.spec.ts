// The Redis user of docs/redis.md can do all that the store does, and has no permission that it could do without.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { parseRedisUrl } from '../../src/platform/redis-address.js';
import { RedisConnection } from '../../src/platform/redis-connection.js';
import type { ParticipantId } from '../../src/presence/domain/lifecycle-event.js';
import type { Changeset } from '../../src/presence/presence-store.js';
import { RedisPresenceStore } from '../../src/presence/redis/redis-presence-store.js';
import { documentedUser, urlOfUser } from '../redis/acl-user.js';
import { RedisServer } from '../redis/redis-server.js';

const log = pino({ level: 'silent' });
const PERMISSIONS = documentedUser().filter((rule) => rule.startsWith('+'));

function changeset(name: string, changes: string): Changeset {
  const index = { state: 'connected', sinceMs: 5, tag: 'red', devices: 1, dueMs: 9e12 } as const;
  return { participantId: name as ParticipantId, before: null, after: { record: name, index }, changes };
}

/** Everything that the service asks of a store; how many of it is refused. */
async function countRefusals(url: string): Promise<number> {
  const redis = await RedisConnection.open(parseRedisUrl(url), log);
  const store = new RedisPresenceStore(redis, { description: 'Redis', prefix: 'rollcall', shards: 1, log });
  const [a, b] = [changeset('a', 'a change'), changeset('b', 'another change')];
  const begin = await store.position().catch(() => []);
  const outcomes = [...(await store.load([a.participantId])), ...(await store.commit([a, b]))];
  const page = { states: ['connected'] } as const;
  const rest = await Promise.allSettled([
    store.page(page, { sinceMs: 5, participantId: a.participantId }, 1),
    store.occupancy('red'),
    store.tags(null, 10),
    store.due(Date.now(), 10),
    store.position(),
    store.changes(begin, 10),
    store.changed(begin.length > 0 ? begin : [{ epoch: '', entry: '0-0' }], new AbortController().signal),
    store.bind('ref', a.participantId, Date.now() + 60_000),
    store.trim({ retentionMs: 86_400_000, maxBytes: 1 }),
    store.check(),
  ]);
  outcomes.push(...(await store.commit([a, b].map((one) => ({ ...one, before: one.after, after: null })))));
  await store.close();
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

  /** A server with no data and no scripts, and a database that is to be selected. */
  async function emptyWith(user: readonly string[]): Promise<string> {
    await admin.flushall();
    await admin.script('FLUSH');
    return `${await urlOfUser(server.url, user)}/1`;
  }

  it('is refused nothing', async () => {
    expect(await countRefusals(await emptyWith(documentedUser()))).toBe(0);
  });

  it.each(PERMISSIONS)('needs %s', async (permission) => {
    const lacking = documentedUser().filter((rule) => rule !== permission);
    expect(await countRefusals(await emptyWith(lacking))).toBeGreaterThan(0);
  });

  it('needs no other keys than those with its prefix', async () => {
    const elsewhere = documentedUser().map((rule) => rule.replace('rollcall:', 'other:'));
    expect(await countRefusals(await emptyWith(elsewhere))).toBeGreaterThan(10);
  });
});
