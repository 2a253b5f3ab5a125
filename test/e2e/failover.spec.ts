// Redis fails over, or moves data, while callbacks come in: whatever was acknowledged is there in the end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Shard } from '../../src/storage/redis/shard.js';
import { Exporter } from '../../src/transfer/exporter.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { RedisCluster } from '../storage/redis/redis-cluster.js';
import { RedisSentinels } from '../storage/redis/redis-sentinels.js';
import { collect, PAGE_SIZE } from '../transfer/transfer.js';
import { type Service, startService } from './service.js';

const CLIENTS = 8;
const PREFIX = 'failover';

/** Clients that each send one callback after the other, of a new participant each. */
class Load {
  readonly acknowledged: string[] = [];
  #isStopped = false;
  readonly #clients: Promise<void>[];

  constructor(private readonly service: Service) {
    this.#clients = Array.from({ length: CLIENTS }, (_, client) => this.#run(client));
  }

  /** Resolves once so many more were acknowledged. */
  async more(count: number): Promise<void> {
    const before = this.acknowledged.length;
    await eventually(() => expect(this.acknowledged.length).toBeGreaterThanOrEqual(before + count));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
  }

  async #run(client: number): Promise<void> {
    for (let n = 0; !this.#isStopped; n += 1) {
      const participantId = `p${client}-${n}`;
      const { status } = await this.service.callback({ participantId });
      if (status < 300) this.acknowledged.push(participantId);
    }
  }
}

describe('no acknowledged event is lost', () => {
  let dataDir: string;
  let service: Service;
  let stopRedis: () => Promise<void>;
  afterEach(async () => {
    await service.stop();
    await stopRedis();
    rmSync(dataDir, { recursive: true });
  });

  async function start(redis: { readonly url: string; readonly stop: () => Promise<void> }, redisShards: number) {
    dataDir = mkdtempSync(join(tmpdir(), 'rollcall-failover-'));
    stopRedis = () => redis.stop();
    const options = { redisPrefix: PREFIX, redisShards, dataDir, spool: {}, replayWindowMs: 60_000 };
    service = await startService({ redisUrl: redis.url, ...options });
    return new Load(service);
  }

  async function expectAll(load: Load): Promise<void> {
    await load.stop();
    await eventually(async () => {
      const { json } = await service.request('/health/ready');
      expect(json.details).toMatchObject({ store: { status: 'up' }, spool: { events: 0 } });
    });
    // The events of the last minute may still be on their way again.
    await eventually(async () => {
      const missing: string[] = [];
      for (let n = 0; n < load.acknowledged.length; n += 100) {
        const participantIds = load.acknowledged.slice(n, n + 100);
        const { json } = await service.post('/v1/participants/lookup', { participantIds });
        const present = new Set(json.items.map(({ participantId }: { participantId: string }) => participantId));
        missing.push(...participantIds.filter((id) => !present.has(id)));
      }
      expect(missing).toEqual([]);
    });
    expect((await service.request('/v1/incidents')).json.items).toEqual([]);
  }

  it('when the primary of a Sentinel setup is killed', async () => {
    const sentinels = await RedisSentinels.start();
    const load = await start(sentinels, 1);
    await load.more(lengthOf(100, 5_000));
    await sentinels.servers[0].kill();
    await eventually(() => service.storage.check());
    await load.more(lengthOf(100, 5_000));
    await expectAll(load);
  });

  it('when a primary of a cluster is killed', async () => {
    const cluster = await RedisCluster.start();
    const load = await start(cluster, 16);
    await load.more(lengthOf(100, 5_000));
    const victim = await cluster.ownerOf(new Shard(PREFIX, 0).slot);
    await cluster.nodes[victim]?.kill();
    await eventually(() => service.storage.check());
    await load.more(lengthOf(100, 5_000));
    await expectAll(load);
  });

  it('when a primary of a cluster is killed during an export, which has everybody from before it', async () => {
    const cluster = await RedisCluster.start();
    const load = await start(cluster, 16);
    await load.more(lengthOf(200, 5_000));
    const before = [...load.acknowledged];
    const chunks = new Exporter(service.storage, undefined, PAGE_SIZE).chunks();
    const begun = [(await chunks.next()).value, (await chunks.next()).value];
    const victim = await cluster.ownerOf(new Shard(PREFIX, 15).slot);
    await cluster.nodes[victim]?.kill();
    const text = begun.join('') + (await collect(chunks));
    expect(before.filter((id) => !text.includes(`"${id}"`))).toEqual([]);
    await load.more(lengthOf(100, 5_000));
    await expectAll(load);
  });

  it('when the slot of a shard moves to another node', async () => {
    const cluster = await RedisCluster.start();
    const load = await start(cluster, 16);
    for (let shard = 0; shard < lengthOf(2, 16); shard += 1) {
      await load.more(lengthOf(50, 500));
      const { slot } = new Shard(PREFIX, shard);
      const from = await cluster.ownerOf(slot);
      await cluster.moveSlot(slot, from, (from + 1) % 3, () => load.more(10));
    }
    await load.more(lengthOf(50, 500));
    await expectAll(load);
  });
});
