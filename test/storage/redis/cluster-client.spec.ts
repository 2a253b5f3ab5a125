// A Redis Cluster whose nodes fail and whose slots move: what is not concerned goes on.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../../src/runtime/clock.js';
import { StoreUnavailableError } from '../../../src/storage/ports.js';
import { openClient } from '../../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../../src/storage/redis/client/parse-redis-url.js';
import { RedisStorage } from '../../../src/storage/redis/redis-storage.js';
import { Shard, shardNumber } from '../../../src/storage/redis/shard.js';
import { arrival } from '../../contract/arrivals.js';
import { BANDWIDTH } from '../../contract/index-entry.js';
import { eventually } from '../../eventually.js';
import { documentedClusterUser, urlOfUser } from './acl-user.js';
import { RedisCluster } from './redis-cluster.js';

const SHARDS = 16;

let cluster: RedisCluster;
/** That of the user of docs/redis.md. */
let url: string;
let storage: RedisStorage;
let prefix: string;
let logged: string[];
beforeAll(async () => {
  // So that the other nodes go on while one is gone.
  cluster = await RedisCluster.start('--cluster-require-full-coverage', 'no');
  const nodes = cluster.nodes.map((node) => node.url);
  url = await urlOfUser(cluster.url, documentedClusterUser(), nodes);
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  await cluster.isComplete();
  logged = [];
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line).msg) });
  const client = await openClient({ address: parseRedisUrl(url) }, log);
  prefix = `rollcall:${randomUUID()}`;
  const options = { description: '', sources: [BANDWIDTH], clock: systemClock, log, replayWindowMs: 0 };
  storage = new RedisStorage(client, { ...options, prefix, shards: SHARDS });
  await storage.open();
});
afterEach(() => storage.close());

const shardOf = (name: string) => shardNumber(name, SHARDS);
const slotOf = (shard: number) => new Shard(prefix, shard).slot;

/** Names of participants, by whether `isIn` is true for their shard. */
function named(isIn: (shard: number) => boolean, count: number): string[] {
  const names: string[] = [];
  for (let n = 0; names.length < count; n += 1) if (isIn(shardOf(`p${n}`))) names.push(`p${n}`);
  return names;
}

describe('while a node is gone', () => {
  it('participants, deadlines and the feed of the others go on; lists are refused, and soon a replica takes over', async () => {
    const begin = await storage.feed.end();
    const owners = await Promise.all(Array.from({ length: SHARDS }, (_, shard) => cluster.ownerOf(slotOf(shard))));
    // Shard 0 is needed to begin with only.
    const lost = owners.find((owner) => owner !== owners[0]) ?? 0;
    const others = named((shard) => owners[shard] !== lost, 20);
    const own = named((shard) => owners[shard] === lost, 20);
    cluster.nodes[lost]?.freeze(true);
    try {
      const all = [...others, ...own].map((name) => arrival(name, { dueMs: 5 }, `changes of ${name}`));
      const outcomes = await storage.records.commit(all);
      expect(outcomes.slice(0, 20)).toEqual(others.map(() => 'done'));
      expect(outcomes.slice(20).every((outcome) => outcome instanceof StoreUnavailableError)).toBe(true);
      const { keys } = await storage.records.claimDue({ nowMs: 10, untilMs: 20, limit: 2_000 });
      expect([...keys].sort()).toEqual([...others].sort());
      const entries = await storage.feed.read(begin, 100);
      expect(entries?.map(({ changes }) => changes).sort()).toEqual(others.map((name) => `changes of ${name}`).sort());
      await expect(storage.index.page({ states: ['connected'] }, null, 10)).rejects.toThrow(StoreUnavailableError);
      await expect(storage.check()).rejects.toThrow(StoreUnavailableError);
      await eventually(() => storage.check());
      expect(await storage.records.commit(all.slice(20))).toEqual(own.map(() => 'done'));
      expect((await storage.index.page({ states: ['connected'] }, null, 100)).items).toHaveLength(40);
    } finally {
      cluster.nodes[lost]?.freeze(false);
    }
    expect(logged.some((line) => line.startsWith('cannot reach Redis at 127.0.0.1:'))).toBe(true);
  });
});

describe('a slot that moves', () => {
  it('is refused while its keys are in two places, and used on its new node without an error', async () => {
    const shard = shardOf('a');
    const slot = slotOf(shard);
    expect(await storage.records.commit([arrival('a')])).toEqual(['done']);
    const from = await cluster.ownerOf(slot);
    const to = (await Promise.all([...cluster.nodes.keys()].map((node) => cluster.isPrimary(node)))).findIndex(
      (isPrimary, node) => isPrimary && node !== from,
    );
    await cluster.beginMove(slot, from, to);
    // Each command for a binding has one key, so it moves with it: ASK.
    const ref = Array.from({ length: 1_000 }, (_, n) => `ref${n}`).find((one) => shardOf(one) === shard) ?? '';
    const moved = arrival('a').key;
    expect(await storage.bindings.bind(ref, moved, Date.now() + 60_000)).toBe(moved);
    expect(await storage.bindings.find(ref)).toBe(moved);
    // The record is in one place, and the key of a new participant is in neither: TRYAGAIN.
    const other = named((one) => one === shard, 2).find((name) => name !== 'a') ?? '';
    const [refused] = await storage.records.commit([arrival(other)]);
    expect(refused).toMatchObject({ message: expect.stringMatching(/^TRYAGAIN/) });
    expect(logged).toContain('Redis refuses to store callbacks: TRYAGAIN, its cluster is moving a slot');
    await cluster.moveKeys(slot, from, to);
    expect(await storage.records.load([moved])).toEqual(['a 1']);
    await cluster.endMove(slot, from, to);
    // MOVED
    expect(await storage.records.commit([arrival(other)])).toEqual(['done']);
    expect((await storage.index.page({ states: ['connected'] }, null, 10)).items).toHaveLength(2);
  });
});

it('a script that a node does not have is sent to that node', async () => {
  for (const admin of cluster.admins) await admin.script('FLUSH');
  const all = named(() => true, 50).map((name) => arrival(name));
  expect(await storage.records.commit(all)).toEqual(all.map(() => 'done'));
});

it('a change in any shard ends a wait for changes', async () => {
  for (const name of named(() => true, 20)) {
    const end = await storage.feed.end();
    const waiting = storage.feed.waitForChange(end, new AbortController().signal).then(() => storage.feed.read(end, 1));
    await storage.records.commit([arrival(name, {}, name)]);
    expect(await waiting).toMatchObject([{ changes: name }]);
  }
});
