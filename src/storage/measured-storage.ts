// A store whose operations are timed and counted.
import type { Metrics } from '../observability/metrics/metrics.js';
import { type Storage, StoreUnavailableError, type Traffic } from './ports.js';

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

type MeasuredPort =
  | ('records' | 'index' | 'labels' | 'feed' | 'bindings' | 'ends' | 'quarantine' | 'leases')
  | ('webhookSettings' | 'deliveries' | 'occupancyEvents');

/** The label of each operation; null: not measured, since it waits on purpose. */
const OPERATIONS: { readonly [P in MeasuredPort]: { readonly [M in keyof Storage[P]]: string | null } } = {
  records: { load: 'load', commit: 'commit', claimDue: 'due', size: 'size' },
  labels: { choose: 'labels_choose', complete: 'labels_complete' },
  index: { page: 'page', occupancy: 'occupancy', tags: 'tags', sources: 'sources' },
  feed: {
    end: 'feed_end',
    at: 'feed_at',
    read: 'feed_read',
    trim: 'feed_trim',
    extent: 'feed_extent',
    waitForChange: null,
  },
  bindings: { bind: 'bind', find: 'find', page: 'bindings_page' },
  ends: { add: 'end_add', list: 'end_list', pending: 'end_pending', settle: 'end_settle', page: 'end_page' },
  quarantine: {
    add: 'quarantine_add',
    page: 'quarantine_page',
    get: 'quarantine_get',
    remove: 'quarantine_remove',
    trim: 'quarantine_trim',
    size: 'quarantine_size',
  },
  webhookSettings: { revision: 'webhooks', list: 'webhooks', get: 'webhooks', replace: 'webhooks' },
  deliveries: {
    save: 'deliveries_save',
    addAttempt: 'webhooks',
    states: 'webhooks',
    state: 'webhooks',
    forget: 'webhooks',
    page: 'webhooks',
    record: 'webhooks',
    remove: 'webhooks',
    count: 'webhooks',
  },
  occupancyEvents: {
    save: 'occupancy_events_save',
    events: 'occupancy_events_read',
    state: 'webhooks',
    tags: 'webhooks',
    newestNumber: 'webhooks',
  },
  // All are alike, and rare.
  leases: { acquire: 'lease', renew: 'lease', release: 'lease', saveNote: 'lease', note: 'lease' },
};

type Operation = (...args: unknown[]) => Promise<unknown>;

export class MeasuredStorage implements Storage {
  readonly kind;
  readonly description;
  readonly records;
  readonly index;
  readonly labels;
  readonly feed;
  readonly bindings;
  readonly ends;
  readonly incidents;
  readonly backups;
  readonly quarantine;
  readonly leases;
  readonly webhookSettings;
  readonly deliveries;
  readonly occupancyEvents;
  readonly #storage: Storage;
  readonly #durations;
  readonly #errors;

  constructor(storage: Storage, metrics: Metrics) {
    this.#storage = storage;
    this.#durations = metrics.histogram({
      name: 'rollcall_store_operation_duration_seconds',
      help: 'Duration of the operations of the store, including those that failed.',
      labels: ['operation'],
      buckets: BUCKETS_S,
    });
    this.#errors = metrics.counter({
      name: 'rollcall_store_errors_total',
      help: 'Operations of the store that failed.',
      labels: ['operation'],
    });
    addConnectionMetrics(storage, metrics);
    this.kind = storage.kind;
    this.description = storage.description;
    this.records = this.#measured('records');
    this.index = this.#measured('index');
    this.labels = this.#measured('labels');
    this.feed = this.#measured('feed');
    this.bindings = this.#measured('bindings');
    this.ends = this.#measured('ends');
    this.quarantine = this.#measured('quarantine');
    this.leases = this.#measured('leases');
    this.webhookSettings = this.#measured('webhookSettings');
    this.deliveries = this.#measured('deliveries');
    this.occupancyEvents = this.#measured('occupancyEvents');
    this.incidents = storage.incidents;
    this.backups = storage.backups;
  }

  get intactAtMs(): number {
    return this.#storage.intactAtMs;
  }

  get clockAheadMs(): number | undefined {
    return this.#storage.clockAheadMs;
  }

  get reconnects(): number {
    return this.#storage.reconnects;
  }

  get traffic(): Traffic | undefined {
    return this.#storage.traffic;
  }

  onPossibleLoss(listener: () => void): void {
    this.#storage.onPossibleLoss(listener);
  }

  check(): Promise<void> {
    return this.#storage.check();
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  #measured<P extends MeasuredPort>(name: P): Storage[P] {
    const port = this.#storage[name] as unknown as Record<string, Operation>;
    const methods = Object.entries<string | null>(OPERATIONS[name]).map(([method, label]) => {
      const call: Operation = (...args) => (port[method] as Operation)(...args);
      return [method, label === null ? call : this.#timed(label, call)];
    });
    return Object.fromEntries(methods) as Storage[P];
  }

  #timed(label: string, call: Operation): Operation {
    const duration = this.#durations.of(label);
    const errors = this.#errors.of(label);
    return async (...args) => {
      const startMs = performance.now();
      try {
        const result = await call(...args);
        // `load` and `commit` return the errors of single participants.
        if (Array.isArray(result))
          for (const item of result) if (item instanceof StoreUnavailableError) errors.value += 1;
        return result;
      } catch (error) {
        errors.value += 1;
        throw error;
      } finally {
        duration.observe((performance.now() - startMs) / 1_000);
      }
    };
  }
}

function addConnectionMetrics(storage: Storage, metrics: Metrics): void {
  const reconnects = metrics.counter({
    name: 'rollcall_store_reconnects_total',
    help: 'How often the connection to Redis was established again.',
  });
  const roundTrips = metrics.counter({
    name: 'rollcall_store_round_trips_total',
    help: 'Requests to Redis: a command, a script or a transaction each.',
  });
  const commands = metrics.counter({
    name: 'rollcall_store_commands_total',
    help: 'Commands sent to Redis, including each one of a transaction, but not those that scripts run.',
  });
  const clockAhead = metrics.gauge({
    name: 'rollcall_store_clock_ahead_seconds',
    help: 'How far the clock of this machine is ahead of that of Redis.',
    aggregation: 'max',
  });
  metrics.collect(() => {
    reconnects.of().value = storage.reconnects;
    roundTrips.of().value = storage.traffic?.roundTrips ?? 0;
    commands.of().value = storage.traffic?.commands ?? 0;
    if (storage.clockAheadMs !== undefined) clockAhead.set(storage.clockAheadMs / 1_000);
  });
}
