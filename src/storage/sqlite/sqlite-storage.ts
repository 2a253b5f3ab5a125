// All ports on one SQLite file, for a service that runs as a single process without Redis.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import type { IncidentStore, Storage } from '../ports.js';
import { SqliteBackups } from './backups.js';
import { SqliteBindingStore } from './binding-store.js';
import { SqliteDeliveryStore } from './delivery-store.js';
import { SqliteEndStore } from './end-store.js';
import { SqliteFeedStore } from './feed-store.js';
import { SqliteLabelIndex } from './label-index.js';
import { SqliteLeaseStore } from './lease-store.js';
import { SqliteOccupancyEventStore } from './occupancy-event-store.js';
import { SqlitePresenceIndex } from './presence-index.js';
import { SqliteQuarantineStore } from './quarantine-store.js';
import { SqliteRecordStore } from './record-store.js';
import { SqliteDatabase } from './sqlite-database.js';
import { SqliteWebhookSettingStore } from './webhook-setting-store.js';

/** A file that has lost data is not opened. */
const NO_INCIDENTS: IncidentStore = { list: async () => [], acknowledge: async () => false };

export class SqliteStorage implements Storage {
  readonly kind = 'sqlite';
  readonly description: string;
  readonly records: SqliteRecordStore;
  readonly index: SqlitePresenceIndex;
  readonly labels: SqliteLabelIndex;
  readonly feed: SqliteFeedStore;
  readonly bindings: SqliteBindingStore;
  readonly ends: SqliteEndStore;
  readonly incidents = NO_INCIDENTS;
  readonly backups: SqliteBackups;
  readonly quarantine: SqliteQuarantineStore;
  readonly leases: SqliteLeaseStore;
  readonly webhookSettings: SqliteWebhookSettingStore;
  readonly deliveries: SqliteDeliveryStore;
  readonly occupancyEvents: SqliteOccupancyEventStore;
  readonly clockAheadMs = undefined;
  readonly reconnects = 0;
  readonly traffic = undefined;
  readonly intactAtMs = Number.NEGATIVE_INFINITY;
  readonly #database: SqliteDatabase;

  /** Creates the folder and the file if they are missing. Throws StartError. */
  constructor(dataDir: string, clock: Clock, log: Logger) {
    this.#database = new SqliteDatabase(dataDir, clock, log);
    this.description = `SQLite at ${this.#database.file}`;
    this.feed = new SqliteFeedStore(this.#database, clock);
    this.labels = new SqliteLabelIndex(this.#database);
    this.records = new SqliteRecordStore(this.#database, this.labels, this.feed);
    this.index = new SqlitePresenceIndex(this.#database, this.labels, this.feed);
    this.backups = new SqliteBackups(this.#database);
    this.bindings = new SqliteBindingStore(this.#database, clock);
    this.ends = new SqliteEndStore(this.#database, clock);
    this.quarantine = new SqliteQuarantineStore(this.#database);
    this.leases = new SqliteLeaseStore(this.#database, clock);
    this.webhookSettings = new SqliteWebhookSettingStore(this.#database);
    this.deliveries = new SqliteDeliveryStore(this.#database, clock);
    this.occupancyEvents = new SqliteOccupancyEventStore(this.#database, clock);
  }

  onPossibleLoss(): void {}

  check(): Promise<void> {
    return this.#database.attempt('store callbacks', () => this.records.probe());
  }

  async close(): Promise<void> {
    this.feed.wake();
    await this.backups.settled();
    this.#database.close();
  }
}
