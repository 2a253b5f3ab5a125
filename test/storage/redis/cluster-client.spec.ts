// A Redis Cluster whose nodes fail and whose slots move: what is not concerned goes on.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../../src/runtime/clock.js';
import { type Changeset, StoreUnavailableError } from '../../../src/storage/ports.js';
import { openClient } from '../../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../../src/storage/redis/client/parse-redis-url.js';
import { RedisStorage } from '../../../src/storage/redis/redis-storage.js';
import { Shard, shardNumber } from '../../../src/storage/redis/shard.js';
import { arrival, stored } from '../../contract/arrivals.js';
import { BANDWIDTH } from '../../contract/index-entry.js';
import { eventually } from '../../eventually.js';
import { documentedClusterUser, urlOfUser } from './acl-user.js';
import { RedisCluster } from './redis-cluster.js';

const SHARDS = 16;

let cluster: RedisCluster;
/** That of the user of docs/redis.md, with DURABILITY=replica. */
let url: string;
let storage: RedisStorage;
/** On the same keys, with DURABILITY=replica. */
let durable: RedisStorage;
let prefix: string;
let logged: string[];
beforeAll(async () => {
  // So that the other nodes go on while one is gone.
  cluster = await RedisCluster.start('--cluster-require-full-coverage', 'no');
  const nodes = cluster.nodes.map((node) => node.url);
  url = await urlOfUser(cluster.url, [...documentedClusterUser(), '+wait'], nodes);
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
  durable = new RedisStorage(client, { ...options, prefix, shards: SHARDS, durability: 'replica' });
  await storage.open();
  await durable.open();
});
afterEach(() => storage.close());

async function primaries(): Promise<number[]> {
  const nodes = [...cluster.nodes.keys()];
  const found = await Promise.all(nodes.map((node) => cluster.isPrimary(node)));
  return nodes.filter((node) => found[node]);
}

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
    const to = (await primaries()).find((node) => node !== from) ?? 0;
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

  it('confirms a commit only once a replica of the node that has stored it confirms it', async () => {
    const slot = slotOf(shardOf('a'));
    // Redirected with ASK only if all its keys have been moved, so all of them must exist.
    await storage.labels.choose(['team']);
    await eventually(() => durable.check());
    expect(await durable.records.commit([arrival('a')])).toEqual(['done']);
    const from = await cluster.ownerOf(slot);
    const all = await primaries();
    const to = all.find((node) => node !== from) ?? 0;
    const replicas = cluster.nodes.filter((_, node) => !all.includes(node));
    await cluster.beginMove(slot, from, to);
    await cluster.moveKeys(slot, from, to);
    const change = (before: number, after: number): Changeset[] => {
      const { key } = arrival('a');
      return [{ key, before: stored(`a ${before}`), after: stored(`a ${after}`), changes: null }];
    };
    try {
      for (const replica of replicas) replica.freeze(true);
      const [refused] = await durable.records.commit(change(1, 2));
      expect(refused).toMatchObject({ message: 'no replica has confirmed the commit' });
      for (const replica of replicas) replica.freeze(false);
      await eventually(async () => expect(await durable.records.commit(change(2, 2))).toEqual(['done']));
      expect(await cluster.admin(from).cluster('COUNTKEYSINSLOT', slot)).toBe(0);
    } finally {
      for (const replica of replicas) replica.freeze(false);
      await cluster.endMove(slot, from, to);
    }
    expect(await storage.records.load([arrival('a').key])).toEqual(['a 2']);
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
