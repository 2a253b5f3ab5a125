// The ports of a store, one per use, and the bundle of them that an adapter provides. A store keeps records as opaque text and
// finds participants by their IndexEntry. It knows no rules of presence: it loads records, and commits new ones only if they
// have not changed since (compare-and-set). test/contract/ has one suite per port, which both adapters pass.
import type { CurrentAvailability, KnownAvailability } from '../domain/availability.js';
import type { Labels } from '../domain/labels.js';
import type { ParticipantState } from '../domain/presence-view.js';
import type { SourceName } from '../domain/subject.js';
import type { SubjectKey } from './encoding/subject-key.js';
import type { FeedPosition } from './feed-position.js';
import type { TimedId } from './timed-id.js';
import type { DeliveryStore, OccupancyEventStore, WebhookSettingStore } from './webhook-ports.js';

/** A record as encoded by record-codec.ts. */
export type StoredRecord = string;

/** The attributes by which a participant is found and counted, derived from its record alone. */
export interface IndexEntry {
  readonly source: SourceName;
  readonly state: ParticipantState;
  readonly sinceMs: number;
  /** At most one of each kind. */
  readonly groups: readonly Group<'tag' | 'scope' | 'id'>[];
  /** Those that LabelIndex has chosen are groups, too; undefined: none. */
  readonly labels?: Labels | undefined;
  /** The number of devices that are present. */
  readonly devices: number;
  /** Only if connected; undefined: unknown. */
  readonly availability?: CurrentAvailability | undefined;
  readonly dueMs: number;
}

/**
 * Participants of one source that share a tag, a scope, an id used in several scopes, or a label (`name=value`). `name` is not
 * empty.
 */
export interface Group<K = 'tag' | 'scope' | 'id' | 'label'> {
  readonly kind: K;
  readonly name: string;
}

/** Everything that one commit changes for a participant. Applied atomically. */
export interface Changeset {
  readonly key: SubjectKey;
  /** The record as loaded; null: there was none. */
  readonly before: Stored | null;
  /** null: the participant is forgotten. */
  readonly after: Stored | null;
  /** The changes to announce as one feed entry, encoded by change-codec.ts; null: none. */
  readonly changes: string | null;
}

interface Stored {
  readonly record: StoredRecord;
  readonly index: IndexEntry;
}

/** Undefined members match everything. */
export interface PageFilter {
  /** Not used with an availability, which only connected participants have. */
  readonly states: readonly ParticipantState[];
  readonly availability?: KnownAvailability | undefined;
  readonly source?: SourceName | undefined;
  readonly group?: Group | undefined;
}

export interface OccupancyFilter {
  readonly source?: SourceName | undefined;
  readonly group?: Group<'tag' | 'scope' | 'label'> | undefined;
}

/** Pages are sorted by `sinceMs`, which with a filter by availability is that of the availability, then by the bytes of `key`. */
export interface PageCursor {
  readonly sinceMs: number;
  readonly key: SubjectKey;
}

export interface PageItem extends PageCursor {
  readonly record: StoredRecord;
}

export interface Occupancy {
  readonly connected: number;
  readonly reconnecting: number;
  readonly devices: number;
  /** Of those connected. */
  readonly available: number;
  readonly busy: number;
}

export interface TagOccupancy extends Occupancy {
  readonly tag: string;
}

export interface DueClaim {
  readonly nowMs: number;
  /** When the claim ends. */
  readonly untilMs: number;
  /** About how many to claim: a store takes an equal share from each of its shards. */
  readonly limit: number;
}

export interface Due {
  /** Participants whose `dueMs` has passed, earliest first. */
  readonly keys: readonly SubjectKey[];
  /** The earliest `dueMs` of all others, which may have passed, too; null: there are no others. */
  readonly nextDueMs: number | null;
}

/** The result of a read and the end of the feed at that moment: every later change comes after `position`. */
export interface Snapshot<T> {
  readonly items: T[];
  readonly position: FeedPosition;
}

/** The changes that one commit announced for one participant. */
export interface FeedEntry {
  readonly shard: number;
  /** Increases with every commit to the shard. */
  readonly id: string;
  /** Encoded by change-codec.ts. */
  readonly changes: string;
}

/** A page of the feed ends with the entry that brings its changes to this size. */
export const MAX_PAGE_BYTES = 64 * 1024;

export interface FeedLimits {
  /** The maximum age of a change. */
  readonly retentionMs: number;
  /** The maximum total size of the encoded changes. */
  readonly maxBytes: number;
}

/** An operation that a store may refuse, as worded in its log lines. */
export type StoreOperation =
  | 'store callbacks'
  | 'read bindings'
  | 'read ends'
  | 'trim the change feed'
  | `${'read' | 'store'} incidents`
  | 'make backups'
  | `${'read' | 'store' | 'remove'} quarantined callbacks`
  | 'watch for lost data'
  | 'repair the index'
  | 'hold leases'
  | `${'read' | 'store'} ${'webhook settings' | 'webhook deliveries' | 'occupancy events'}`
  | 'choose indexed labels'
  | `read ${'participants' | 'occupancy' | 'tags' | 'deadlines' | 'the change feed'}`;

/** The store refused or could not be reached in time. The operation may have been applied, but never in part. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  /** For operators: what is wrong, and what to do about it. Contains no secrets; undefined: nothing is known. */
  readonly advice: string | undefined;
  /** Of `check`: whether other participants can be stored, because their part of the store is on another server. */
  readonly isPartial: boolean;

  constructor(
    message: string,
    {
      advice,
      isPartial = false,
      ...options
    }: ErrorOptions & { readonly advice?: string | undefined; readonly isPartial?: boolean } = {},
  ) {
    super(message, options);
    this.advice = advice;
    this.isPartial = isPartial;
  }
}

export const isStoreUnavailable = (error: unknown): boolean => error instanceof StoreUnavailableError;

/**
 * Records of participants, by key. As with all ports, a read sees every commit that completed before it, and methods reject
 * with StoreUnavailableError; `load` and `commit` return it for the affected participants only.
 */
export interface RecordStore {
  /** In the order of `keys`; null: there is no record. */
  load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null | StoreUnavailableError)[]>;
  /**
   * Applies each changeset whose stored record is still the text in `before`; `conflict`: it is not, nothing was changed.
   * Record, index entries and changes of a changeset become visible together. At most one changeset per participant.
   */
  commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]>;
  /**
   * Claims participants that are due, so that the caller can commit what their deadlines change: until the claim ends, no other
   * process gets them. A commit that sets another `dueMs` ends it early.
   */
  claimDue(claim: DueClaim): Promise<Due>;
  /** The number of stored participants, including gone ones. Constant time. */
  size(): Promise<number>;
}

/** The index does not have all participants of the group of a label. */
export class LabelsNotIndexedError extends Error {
  override readonly name = 'LabelsNotIndexedError';

  constructor() {
    super('the label is not indexed yet, or no longer');
  }
}

/**
 * Finds and counts participants. `page` and `occupancy` of the group of a label reject with LabelsNotIndexedError unless all its
 * participants are known. Changed only by commits; and if somebody deletes a record, its participant disappears from the
 * index within minutes, or when it is stored again.
 */
export interface PresenceIndex {
  /** The first `limit` participants after the cursor. One that does not change between two pages is on exactly one of them. */
  page(filter: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>>;
  occupancy(filter: OccupancyFilter): Promise<Occupancy>;
  /** Tags with participants present, of one source or of all, in byte order. */
  tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>>;
  /** Sources that have, or once had, a participant in the store; sorted. */
  sources(): Promise<SourceName[]>;
}

/**
 * Chooses the labels, by name, whose participants can be found. Every process writes the index as it was chosen last, by any of
 * them.
 */
export interface LabelIndex {
  /**
   * Indexes these labels and no others, from the next commit on. Resolves with what `complete` needs, or null if nothing has to be
   * done: otherwise, all participants that are stored now must be committed again, changed or not.
   */
  choose(names: readonly string[]): Promise<string | null>;
  /** Resolves with false if the labels have been chosen anew meanwhile. */
  complete(choice: string): Promise<boolean>;
}

/** What the feed keeps at the moment. */
export interface FeedExtent {
  /** The total size of the encoded changes, except for those of the oldest entry. */
  readonly bytes: number;
  /** The total size of all changes that were ever announced; 0: nobody can have followed any. */
  readonly announcedBytes: number;
  /** When the oldest and the newest entry were committed, by the clock of the store. */
  readonly oldestAtMs: number;
  readonly newestAtMs: number;
}

/** The changes announced by commits, in order. Only commits append to it. */
export interface FeedStore {
  /** The position after the newest entry. */
  end(): Promise<FeedPosition>;
  /** Before the first entry that was committed at this time or later, or before the oldest one that is kept. */
  at(timeMs: number): Promise<FeedPosition>;
  /**
   * The first `limit` entries after a position, starting with the entry of the position itself if it was read only in part.
   * Fewer at MAX_PAGE_BYTES or at the end of the feed. Entries of one shard, and so of one participant, are in commit order.
   * null: the position is gone, because its entry was trimmed, lost with the store's data, or belongs to another store.
   */
  read(after: FeedPosition, limit: number): Promise<FeedEntry[] | null>;
  /**
   * Resolves when there is an entry after the position, when the signal is aborted, or after about a second. Leaves no
   * listener on the signal, which may live as long as the process.
   */
  waitForChange(after: FeedPosition, signal: AbortSignal): Promise<void>;
  /**
   * Drops the oldest entries that exceed a limit, never the newest entry. The work of one call is bounded; resolves with whether
   * there may be more to drop.
   */
  trim(limits: FeedLimits): Promise<boolean>;
  extent(): Promise<FeedExtent>;
}

export interface BindingCursor {
  readonly untilMs: number;
  readonly ref: string;
}

export interface Binding extends BindingCursor {
  readonly key: SubjectKey;
}

export interface BindingPage {
  readonly items: readonly Binding[];
  /** null: this is the last page. */
  readonly next: BindingCursor | null;
}

/** Binds references, such as those of minted callback URLs, to subjects. */
export interface BindingStore {
  /**
   * Binds the reference to `key` unless it is already bound, and resolves with the subject that it is bound to. The binding
   * lasts at least until `untilMs`, unless the store loses its data. For a bound reference this costs one read.
   */
  bind(ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey>;
  /** null: the reference is not bound. */
  find(ref: string): Promise<SubjectKey | null>;
  /**
   * Bindings after the cursor that have not expired, sorted by `untilMs`, then by the bytes of `ref`; at most `limit`. One that was
   * made before the first page is on exactly one page.
   */
  page(after: BindingCursor | null, limit: number): Promise<BindingPage>;
}

/** An end that names no participant, as text. */
export interface StoredEnd {
  readonly text: string;
  readonly receivedAtMs: number;
}

export interface PendingEnd extends StoredEnd {
  readonly target: string;
}

export interface EndCursor {
  readonly untilMs: number;
  readonly target: string;
  readonly text: string;
}

export interface KeptEnd extends PendingEnd, EndCursor {}

export interface EndPage {
  readonly items: readonly KeptEnd[];
  /** null: this is the last page. */
  readonly next: EndCursor | null;
}

export const MAX_ENDS_PER_TARGET = 16;

/** Ends of a target: a room, or a device whose participant is not named. They also concern events that are received later. */
export interface EndStore {
  /**
   * Adds an end and marks it as pending. Adding it again changes neither its time of receipt nor the others. The
   * MAX_ENDS_PER_TARGET that were received last are kept at least until `untilMs`.
   */
  add(target: string, end: StoredEnd, untilMs: number): Promise<void>;
  /** In the order of receipt. */
  list(target: string): Promise<StoredEnd[]>;
  /** The oldest `limit` ends that are not settled, in the order of receipt. They do not expire. */
  pending(limit: number): Promise<PendingEnd[]>;
  settle(target: string, text: string): Promise<void>;
  /**
   * Ends after the cursor that have not expired, sorted by `untilMs`, then by the bytes of the target and of the text; at most
   * `limit`. One that was added before the first page is on exactly one page, unless it is added again meanwhile.
   */
  page(after: EndCursor | null, limit: number): Promise<EndPage>;
}

/** Acknowledged events that the store has lost for good. An operator should check presence, then acknowledge it. */
export interface Incident {
  readonly id: string;
  /** `store-emptied`: all data was lost. `store-rolled-back`: the store came back with older data. */
  readonly kind: 'store-emptied' | 'store-rolled-back';
  readonly detectedAtMs: number;
  /** Only of `store-rolled-back`: changes committed from about this time on are missing. */
  readonly lostFromMs?: number | undefined;
}

export interface IncidentStore {
  /** Those that have not been acknowledged, oldest first. */
  list(): Promise<Incident[]>;
  /** Resolves with whether there was such an incident. */
  acknowledge(id: string): Promise<boolean>;
}

/** In the folder of the store. */
export interface Backup {
  readonly file: string;
  readonly bytes: number;
}

export interface BackupStore {
  /**
   * Makes a consistent copy of all data, with every commit that completed before the call. It replaces the previous copy once it is
   * complete and checked. Commits are not delayed meanwhile. `in-progress`: another call has not ended yet.
   */
  make(): Promise<Backup | 'in-progress'>;
}

/** What is known of a callback that was refused or not understood, except for its body. */
export interface QuarantineEntry {
  readonly id: TimedId;
  readonly source: SourceName;
  readonly reason: string;
  readonly contentType: string;
  readonly receivedAtMs: number;
  readonly requestId: string;
  /** The size of the body. */
  readonly bytes: number;
  /** What its source needs to apply it later, in a form of its own. */
  readonly context?: string | undefined;
}

export interface QuarantinedCallback extends QuarantineEntry {
  /** Any bytes. */
  readonly body: Buffer;
}

/** Undefined members match everything. */
export interface QuarantineFilter {
  readonly source?: SourceName | undefined;
  readonly reason?: string | undefined;
  /** Received at this time or later. */
  readonly sinceMs?: number | undefined;
  /** Received before this time. */
  readonly untilMs?: number | undefined;
}

export interface QuarantineLimits {
  readonly maxCount: number;
  /** The maximum total size of the bodies. */
  readonly maxBytes: number;
  /** Callbacks received before this time are dropped. */
  readonly oldestMs: number;
}

/** Callbacks that were refused or not understood, sorted by id and so by time of receipt. */
export interface QuarantineStore {
  /** All of them or none. Adding one again changes nothing. */
  add(callbacks: readonly QuarantinedCallback[]): Promise<void>;
  /** The newest `limit` entries that match and are older than `before`, newest first. */
  page(filter: QuarantineFilter, before: TimedId | null, limit: number): Promise<QuarantineEntry[]>;
  /** null: there is no such callback. */
  get(id: TimedId): Promise<QuarantinedCallback | null>;
  /** Resolves with how many there were. */
  remove(ids: readonly TimedId[]): Promise<number>;
  /**
   * Drops the oldest callbacks that exceed a limit. The work of one call is bounded; resolves with whether there may be more to
   * drop.
   */
  trim(limits: QuarantineLimits): Promise<boolean>;
  size(): Promise<number>;
}

/**
 * Lets one process at a time do a job. A lease ends by itself, so the process that held it may not have noticed yet: what it
 * does then must be harmless, or must be refused by its token.
 */
export interface LeaseStore {
  /**
   * Takes the lease unless it is held. Resolves with a token that is greater than all earlier ones of this name, unless the store
   * loses its data; null: it is held.
   */
  acquire(name: string, ttlMs: number): Promise<number | null>;
  /** Resolves with whether the lease is still held with this token, and then ends after `ttlMs` from now. */
  renew(name: string, token: number, ttlMs: number): Promise<boolean>;
  /** Does nothing if the lease is no longer held with this token. */
  release(name: string, token: number): Promise<void>;
  /** Replaces the note beside the lease. Resolves with whether the lease was held with this token; else nothing is stored. */
  saveNote(name: string, token: number, text: string): Promise<boolean>;
  /** The note that was saved last, by the holder of the lease at that time; null: none. */
  note(name: string): Promise<string | null>;
}

/** What was sent to the server of the store. */
export interface Traffic {
  /** A command, a script or a transaction each. */
  readonly roundTrips: number;
  /** Including each command of a transaction, but not those that scripts run. */
  readonly commands: number;
}

/** All ports of one store. */
export interface Storage {
  readonly kind: 'redis' | 'sqlite';
  /** Names the store and the location of its data, for humans. Never contains a secret. */
  readonly description: string;
  readonly records: RecordStore;
  readonly index: PresenceIndex;
  readonly labels: LabelIndex;
  readonly feed: FeedStore;
  readonly bindings: BindingStore;
  readonly ends: EndStore;
  readonly incidents: IncidentStore;
  /** undefined: backups are made with the tools of the store. */
  readonly backups: BackupStore | undefined;
  readonly quarantine: QuarantineStore;
  readonly leases: LeaseStore;
  readonly webhookSettings: WebhookSettingStore;
  readonly deliveries: DeliveryStore;
  readonly occupancyEvents: OccupancyEventStore;
  /**
   * `listener` is called whenever commits that have completed may be missing, because another server answers, or the same one was
   * restarted or has lost data.
   */
  onPossibleLoss(listener: () => void): void;
  /** When, by our clock, the store was last known to have all that it acknowledged. */
  readonly intactAtMs: number;
  /** How far our clock is ahead of that of the store; undefined: not known, or the store has no clock of its own. */
  readonly clockAheadMs: number | undefined;
  /** How often the connection to the store was established again. */
  readonly reconnects: number;
  /** undefined: the store has no server. */
  readonly traffic: Traffic | undefined;
  /**
   * Resolves if a callback of any participant could be stored: does what `load`, `commit` and `bind` do, on the data that
   * participants share, and leaves no visible trace.
   */
  check(): Promise<void>;
  /** Resolves when all operations in progress have completed. */
  close(): Promise<void>;
}
