// The ports for outbound webhooks. Their texts are JSON with a format number, made and read by src/webhooks/: a store knows
// nothing of what they mean. What is delivered is in the feed; only how far each endpoint has got is stored here.
import type { TimedId } from './timed-id.js';

export interface WebhookSetting {
  readonly id: string;
  readonly text: string;
}

/** Endpoints and rules, by id: few and small. They are in one list, with one revision, so that every node notices any change. */
export interface WebhookSettingStore {
  /** Changes with every setting, and never back; 0: there has been none. */
  revision(): Promise<number>;
  /** All of them, sorted by id. */
  list(): Promise<WebhookSetting[]>;
  /** null: there is no such setting. */
  get(id: string): Promise<string | null>;
  /**
   * Replaces the text unless it has changed. `before`: as it was read; null: there was none. `after`: null removes it. Resolves
   * with whether it was replaced.
   */
  replace(id: string, before: string | null, after: string | null): Promise<boolean>;
}

/** Of an endpoint: its newest attempts to deliver, and its dead letters. */
export const DELIVERY_LOGS = ['attempts', 'dead-letters'] as const;
export type DeliveryLog = (typeof DELIVERY_LOGS)[number];

export interface DeliveryRecord {
  readonly id: TimedId;
  readonly text: string;
}

/** The oldest records beyond a limit are dropped. */
export interface DeliveryLogLimits {
  readonly maxCount: number;
  readonly oldestMs: number;
}

/** What has become of the deliveries to an endpoint. Stored together: a message is in the state or among the dead letters. */
export interface DeliveryUpdate {
  readonly endpointId: string;
  readonly state: string;
  readonly records: Readonly<Record<DeliveryLog, readonly DeliveryRecord[]>>;
}

/** How far each endpoint has got. Only the holder of a lease writes it: its token is the fencing token. */
export interface DeliveryStore {
  /** Of all endpoints, by id. */
  states(): Promise<ReadonlyMap<string, string>>;
  /** null: nothing was delivered yet. */
  state(endpointId: string): Promise<string | null>;
  /** Stores all of them. Resolves with false, and stores nothing, unless the lease is held with this token. */
  save(
    lease: { readonly name: string; readonly token: number },
    updates: readonly DeliveryUpdate[],
    limits: Readonly<Record<DeliveryLog, DeliveryLogLimits>>,
  ): Promise<boolean>;
  /** Adds an attempt that needs no lease, as it changes no state. Keeps the newest `maxCount`. */
  addAttempt(endpointId: string, record: DeliveryRecord, maxCount: number): Promise<void>;
  /** Removes all about endpoints that no longer exist. */
  forget(endpointIds: readonly string[]): Promise<void>;
  /** The newest `limit` records that are older than `before`, newest first. */
  page(log: DeliveryLog, endpointId: string, before: TimedId | null, limit: number): Promise<DeliveryRecord[]>;
  /** null: there is no such record. */
  record(log: DeliveryLog, endpointId: string, id: TimedId): Promise<string | null>;
  /** Resolves with whether there was one. */
  remove(log: DeliveryLog, endpointId: string, id: TimedId): Promise<boolean>;
  count(log: DeliveryLog, endpointId: string): Promise<number>;
}

/** Numbers are consecutive, except where the store has lost data. */
export interface OccupancyEvent {
  readonly number: number;
  /** When it was derived. Never earlier than that of an event before it. */
  readonly atMs: number;
  readonly text: string;
}

export interface OccupancyUpdate {
  /** null: there is none any more. */
  readonly state: string | null;
  /** By tag: since when it is seen empty, 0: it is occupied, null: it is forgotten. */
  readonly tags: ReadonlyMap<string, number | null>;
  /** In the order of their numbers. */
  readonly events: readonly OccupancyEvent[];
}

export interface OccupancyEventLimits {
  readonly maxCount: number;
  /** Earlier events are dropped. */
  readonly oldestMs: number;
}

/**
 * The events that were derived from the feed, and what is needed to derive more. Only the holder of a lease writes it: its token
 * is the fencing token.
 */
export interface OccupancyEventStore {
  /** null: none is stored. */
  state(): Promise<string | null>;
  /** All that are not forgotten, as in OccupancyUpdate. */
  tags(): Promise<ReadonlyMap<string, number>>;
  /**
   * Stores all of it, and drops the oldest events that exceed a limit, never the newest event. Resolves with false, and stores
   * nothing, unless the lease is held with this token.
   */
  save(
    lease: { readonly name: string; readonly token: number },
    update: OccupancyUpdate,
    limits: OccupancyEventLimits,
  ): Promise<boolean>;
  /** The first `limit` events with greater numbers than `after`, in order. Those that were dropped are missing. */
  events(after: number, limit: number): Promise<OccupancyEvent[]>;
  /**
   * The number of the newest event that was derived before a time, or of the newest one of all. 0: there is none. If all that are
   * kept are later, the number before theirs.
   */
  newestNumber(beforeMs?: number): Promise<number>;
}
