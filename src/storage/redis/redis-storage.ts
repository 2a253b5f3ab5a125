// All ports on one Redis server, or on a cluster.
import type { SourceName } from '../../domain/subject.js';
import { StartError } from '../../runtime/start-error.js';
import { type Storage, StoreUnavailableError, type Traffic } from '../ports.js';
import { RedisBindingStore } from './binding-store.js';
import type { RedisClient } from './client/redis-client.js';
import { RedisDeliveryStore } from './delivery-store.js';
import type { Durability } from './durability.js';
import { RedisEndStore } from './end-store.js';
import { RedisFeedStore } from './feed-store.js';
import { IndexRepair } from './index-repair.js';
import { RedisLabelIndex } from './label-index.js';
import type { LastSeen } from './last-seen.js';
import { RedisLeaseStore } from './lease-store.js';
import { RedisOccupancyEventStore } from './occupancy-event-store.js';
import { RedisPresenceIndex } from './presence-index.js';
import { RedisQuarantineStore } from './quarantine-store.js';
import { RedisRecordStore } from './record-store.js';
import { ServerWatch } from './server-watch.js';
import { type ShardOptions, Shards } from './shards.js';
import { LayoutError } from './store-meta.js';
import { RedisWebhookSettingStore } from './webhook-setting-store.js';

interface RedisStorageOptions extends ShardOptions {
  readonly description: string;
  /** The sources whose keys `check` probes. */
  readonly sources: readonly SourceName[];
  readonly replayWindowMs: number;
  readonly durability?: Durability;
  readonly lastSeen?: LastSeen;
}

export class RedisStorage implements Storage {
  readonly kind = 'redis';
  readonly description: string;
  readonly records: RedisRecordStore;
  readonly index: RedisPresenceIndex;
  readonly labels: RedisLabelIndex;
  readonly feed: RedisFeedStore;
  readonly bindings: RedisBindingStore;
  readonly ends: RedisEndStore;
  readonly incidents: ServerWatch;
  readonly backups = undefined;
  readonly quarantine: RedisQuarantineStore;
  readonly leases: RedisLeaseStore;
  readonly webhookSettings: RedisWebhookSettingStore;
  readonly deliveries: RedisDeliveryStore;
  readonly occupancyEvents: RedisOccupancyEventStore;
  readonly repair: IndexRepair;
  readonly #shards: Shards;
  readonly #sources: readonly SourceName[];

  constructor(
    client: RedisClient,
    { description, sources, replayWindowMs, lastSeen, durability = 'memory', ...options }: RedisStorageOptions,
  ) {
    this.description = description;
    this.#sources = sources;
    this.#shards = new Shards(client, options);
    this.repair = new IndexRepair(this.#shards, options);
    this.labels = new RedisLabelIndex(this.#shards);
    this.records = new RedisRecordStore(this.#shards, { labels: this.labels, repair: this.repair, durability });
    this.index = new RedisPresenceIndex(this.#shards, this.labels, this.repair);
    this.feed = new RedisFeedStore(this.#shards);
    this.bindings = new RedisBindingStore(this.#shards, options.clock);
    this.ends = new RedisEndStore(this.#shards, options.clock);
    this.quarantine = new RedisQuarantineStore(this.#shards);
    this.leases = new RedisLeaseStore(this.#shards);
    this.webhookSettings = new RedisWebhookSettingStore(this.#shards);
    this.deliveries = new RedisDeliveryStore(this.#shards);
    this.occupancyEvents = new RedisOccupancyEventStore(this.#shards);
    this.incidents = new ServerWatch(this.#shards, { ...options, replayWindowMs, lastSeen });
  }

  /** Rejects with StartError if the data is laid out in another way. Resolves if that cannot be found out yet. */
  async open(): Promise<void> {
    await this.#shards.open().catch((error: unknown) => {
      if (error instanceof LayoutError) throw new StartError(error.message);
    });
  }

  /** Begins to watch for lost data, and to repair the index. */
  start(): void {
    this.incidents.start();
    this.repair.start();
  }

  get clockAheadMs(): number | undefined {
    return this.incidents.clockAheadMs;
  }

  get reconnects(): number {
    return this.#shards.client.reconnects;
  }

  get traffic(): Traffic {
    return this.#shards.client.traffic;
  }

  get intactAtMs(): number {
    return this.incidents.intactAtMs;
  }

  onPossibleLoss(listener: () => void): void {
    this.incidents.onPossibleLoss(listener);
  }

  /** Takes one round trip. */
  async check(): Promise<void> {
    const probes = await Promise.allSettled(
      this.#shards.all.map((shard) =>
        Promise.all([this.records.probe(shard, this.#sources), this.bindings.probe(shard)]),
      ),
    );
    const failed = probes.filter((probe) => probe.status === 'rejected');
    if (failed.length === 0) return this.#shards.accepted('store callbacks');
    const { message, cause } = this.#shards.unavailable('store callbacks', failed[0]?.reason);
    throw new StoreUnavailableError(message, { cause, isPartial: failed.length < probes.length });
  }

  async close(): Promise<void> {
    this.incidents.stop();
    this.repair.stop();
    this.feed.close();
    await this.#shards.client.close();
  }
}
