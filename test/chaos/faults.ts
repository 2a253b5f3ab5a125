// The faults that the service has to survive without losing an acknowledged event.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Shard } from '../../src/storage/redis/shard.js';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import type { Random } from './random.js';
import { existing, SHARDS, type World, type WorldOptions } from './world.js';

export interface Fault {
  readonly name: string;
  readonly world: WorldOptions;
  /** Breaks something while callbacks come in, and mends it. `longMs`: how long an outage lasts. */
  readonly strike: (world: World, random: Random, longMs: number) => Promise<void>;
  /** Whether callbacks must be answered with 2xx throughout. */
  readonly isUnnoticed?: true;
}

const ON_REDIS = { store: 'redis' } as const;

async function killAndRestart(world: World, random: Random): Promise<void> {
  for (let times = 0; times < 2; times += 1) {
    await wait(random.between(500, 1_500));
    await world.killService();
    await wait(random.below(300));
    await world.startService();
  }
}

export const FAULTS: readonly Fault[] = [
  { name: 'the service on SQLite is killed', world: { store: 'sqlite' }, strike: killAndRestart },
  { name: 'the service on Redis is killed', world: ON_REDIS, strike: killAndRestart },
  {
    name: 'Redis is killed and restarted',
    world: ON_REDIS,
    isUnnoticed: true,
    strike: async ({ redis }, random, longMs) => {
      await wait(random.between(300, 1_500));
      await redis.kill();
      await wait(longMs);
      await redis.restart();
    },
  },
  {
    name: 'Redis and the service are killed',
    world: ON_REDIS,
    strike: async (world, random) => {
      await wait(random.between(500, 1_500));
      await Promise.all([world.redis.kill(), world.killService()]);
      await world.startService();
      await wait(random.between(200, 1_500));
      await world.redis.restart();
    },
  },
  {
    name: 'Redis is frozen',
    world: ON_REDIS,
    isUnnoticed: true,
    strike: async ({ redis }, random, longMs) => {
      await wait(random.between(300, 1_500));
      redis.freeze(true);
      await wait(longMs);
      redis.freeze(false);
    },
  },
  {
    name: 'replies of Redis are swallowed',
    world: ON_REDIS,
    isUnnoticed: true,
    strike: async ({ proxy }, random, longMs) => {
      await wait(random.between(300, 1_500));
      proxy.rewrite = () => '';
      await wait(longMs);
      proxy.rewrite = (text) => text;
    },
  },
  {
    name: 'Redis is cut off',
    world: ON_REDIS,
    isUnnoticed: true,
    strike: async ({ proxy }, random, longMs) => {
      await wait(random.between(300, 1_500));
      proxy.partition(true);
      await wait(longMs);
      proxy.partition(false);
    },
  },
  {
    name: 'connections to Redis are cut after a command was sent',
    world: ON_REDIS,
    isUnnoticed: true,
    strike: async ({ proxy }, random) => {
      for (let times = 0; times < 10; times += 1) {
        await wait(random.between(50, 400));
        proxy.cutAfterNextCommand();
      }
    },
  },
  {
    name: 'replies of Redis come one byte at a time',
    world: ON_REDIS,
    isUnnoticed: true,
    strike: async ({ proxy }, random, longMs) => {
      await wait(random.between(300, 1_500));
      proxy.isTrickling = true;
      await wait(longMs);
      proxy.isTrickling = false;
    },
  },
  {
    name: 'Redis comes back empty',
    world: { store: 'redis', redisSettings: [] },
    isUnnoticed: true,
    strike: async ({ redis }, random) => {
      await wait(random.between(1_000, 3_000));
      await redis.kill();
      await wait(random.below(1_000));
      await redis.restart();
    },
  },
  {
    name: 'a replica that lacks the last second is promoted',
    world: { store: 'redis', redisSettings: [] },
    isUnnoticed: true,
    strike: async ({ redis, proxy }, random) => {
      const replica = await RedisServer.start();
      const admin = new Redis(replica.url);
      await admin.replicaof('127.0.0.1', redis.port);
      await eventually(async () => expectLink(await admin.info('replication')));
      await wait(random.between(500, 2_000));
      await admin.replicaof('NO', 'ONE');
      await wait(1_000);
      proxy.targetPort = replica.port;
      await redis.kill();
      admin.disconnect();
    },
  },
  {
    name: 'the master of Sentinels is killed',
    world: { store: 'sentinels' },
    isUnnoticed: true,
    strike: async ({ sentinels }, random) => {
      await wait(random.between(500, 2_000));
      await sentinels.servers[0].kill();
      await isPromoted(sentinels.servers[1]);
    },
  },
  {
    name: 'the master of Sentinels is cut off and comes back',
    world: { store: 'sentinels' },
    isUnnoticed: true,
    strike: async ({ sentinels }, random, longMs) => {
      await wait(random.between(500, 2_000));
      const proxy = existing(sentinels.proxy);
      proxy.partition(true);
      await isPromoted(sentinels.servers[1]);
      await wait(random.below(longMs));
      proxy.partition(false);
    },
  },
  {
    name: 'a primary of a cluster is killed',
    world: { store: 'cluster' },
    isUnnoticed: true,
    strike: async ({ cluster }, random) => {
      await wait(random.between(500, 2_000));
      const { slot } = shardAt(random.below(SHARDS));
      const owner = await cluster.ownerOf(slot);
      await cluster.nodes[owner]?.kill();
      await eventually(async () => expectOther(await cluster.ownerOf(slot), owner));
    },
  },
  {
    name: 'a primary of a cluster is frozen, and replaced meanwhile',
    world: { store: 'cluster' },
    isUnnoticed: true,
    strike: async ({ cluster }, random, longMs) => {
      await wait(random.between(500, 2_000));
      const { slot } = shardAt(random.below(SHARDS));
      const owner = await cluster.ownerOf(slot);
      cluster.nodes[owner]?.freeze(true);
      await eventually(async () => expectOther(await cluster.ownerOf(slot), owner));
      await wait(random.below(longMs));
      cluster.nodes[owner]?.freeze(false);
    },
  },
  {
    name: 'a primary of a cluster is cut off from the service and its replica',
    world: { store: 'cluster' },
    isUnnoticed: true,
    strike: async ({ cluster }, random, longMs) => {
      await wait(random.between(500, 2_000));
      const proxy = existing(cluster.proxies[await cluster.ownerOf(shardAt(random.below(SHARDS)).slot)]);
      proxy.partition(true);
      await wait(longMs);
      proxy.partition(false);
    },
  },
  {
    name: 'the slots of shards move to another node of a cluster',
    world: { store: 'cluster' },
    isUnnoticed: true,
    strike: async ({ cluster }, random) => {
      for (let times = 0; times < 3; times += 1) {
        await wait(random.between(200, 800));
        const { slot } = shardAt(random.below(SHARDS));
        const from = await cluster.ownerOf(slot);
        await cluster.moveSlot(slot, from, (from + 1) % 3, () => wait(random.below(500)));
      }
    },
  },
  {
    name: 'the service is killed while spooled events are applied',
    world: ON_REDIS,
    strike: async (world, random, longMs) => {
      await wait(random.between(300, 1_000));
      await world.redis.kill();
      await wait(longMs);
      await world.redis.restart();
      await wait(random.below(600));
      await world.killService();
      await world.startService();
    },
  },
  {
    name: 'the disk of the spool is full',
    world: { ...ON_REDIS, maxFileKib: 64 },
    strike: async ({ redis }, random, longMs) => {
      await wait(random.between(300, 1_000));
      await redis.kill();
      await wait(longMs);
      await redis.restart();
    },
  },
];

function shardAt(number: number): Shard {
  return new Shard('rollcall', number);
}

async function isPromoted(replica: RedisServer): Promise<void> {
  const admin = new Redis(replica.url);
  await eventually(async () => {
    if (!(await admin.info('replication')).includes('role:master')) throw new Error('the replica is not promoted yet');
  });
  admin.disconnect();
}

function expectOther(owner: number, former: number): void {
  if (owner === former) throw new Error('no replica has taken over yet');
}

function expectLink(info: string): void {
  if (!info.includes('master_link_status:up')) throw new Error('the replica has not connected yet');
}
