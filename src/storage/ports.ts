// What the service asks of a store: one port for each use, and the bundle of all of them that an adapter gives. A store keeps
// records as text that it never looks into, and finds participants by what an IndexEntry says of them. It holds no rule of
// presence: it loads, and it commits what was made of what it loaded, if nobody else was faster. test/contract/ has one suite
// for each port, and both adapters pass all of them.
import type { PresenceState } from '../domain/presence-view.js';
import type { SourceName } from '../domain/subject.js';
import type { SubjectKey } from './encoding/subject-key.js';
import type { FeedPosition } from './feed-position.js';

/** A record in the form of record-codec.ts. */
export type StoredRecord = string;

/** By what a participant is found and counted, derived from its record alone. */
export interface IndexEntry {
  readonly source: SourceName;
  readonly state: PresenceState;
  readonly sinceMs: number;
  /** The groups in which the participant is found: one of a kind at the most. */
  readonly groups: readonly Group[];
  /** How many of its devices are present. */
  readonly devices: number;
  readonly dueMs: number;
}

/**
 * Participants of one source that have something in common: a tag, a scope, or the id that one has in several scopes.
 * `name` is not empty.
 */
export interface Group<K = 'tag' | 'scope' | 'id'> {
  readonly kind: K;
  readonly name: string;
}

/** What happens to one participant, all of it or nothing. */
export interface Changeset {
  readonly key: SubjectKey;
  /** The record as loaded, and what follows from it; null: there was none. */
  readonly before: Stored | null;
  /** null: the participant is forgotten. */
  readonly after: Stored | null;
  /** What it announces, in the form of change-codec.ts, as one entry of the feed; null: nothing. */
  readonly changes: string | null;
}

interface Stored {
  readonly record: StoredRecord;
  readonly index: IndexEntry;
}

/** What is not given is not asked for. */
export interface PageFilter {
  readonly states: readonly PresenceState[];
  readonly source?: SourceName | undefined;
  readonly group?: Group | undefined;
}

export interface OccupancyFilter {
  readonly source?: SourceName | undefined;
  readonly group?: Group<'tag' | 'scope'> | undefined;
}

/** Pages are in order of (sinceMs, the bytes of key). */
export interface PageCursor {
  readonly sinceMs: number;
  readonly key: SubjectKey;
}

export interface PageItem extends PageCursor {
  readonly record: StoredRecord;
}

/** Participants by state, and present devices. */
export interface Occupancy {
  readonly connected: number;
  readonly reconnecting: number;
  readonly devices: number;
}

export interface TagOccupancy extends Occupancy {
  readonly tag: string;
}

export interface Due {
  /** Those whose `dueMs` has come, earliest first. */
  readonly keys: readonly SubjectKey[];
  /** The earliest `dueMs` that has not come; null when there is none. */
  readonly nextDueMs: number | null;
}

/** What a read gave, and how far the feed was at that very moment: what changed since then is after that position. */
export interface Snapshot<T> {
  readonly items: T[];
  readonly position: FeedPosition;
}

/** What one commit announced of one participant. */
export interface FeedEntry {
  readonly shard: number;
  /** Grows from commit to commit of one shard. */
  readonly id: string;
  /** In the form of change-codec.ts. */
  readonly changes: string;
}

/** A page of the feed ends with the entry by which its changes come to so many bytes of text. */
export const MAX_PAGE_BYTES = 64 * 1024;

export interface FeedLimits {
  /** How long a change is kept at the most. */
  readonly retentionMs: number;
  /** How much is kept at the most, in bytes of the changes' text. */
  readonly maxBytes: number;
}

/** What a store may refuse to do, as its log lines say it. */
export type StoreOperation =
  | 'store callbacks'
  | 'trim the change feed'
  | `read ${'participants' | 'occupancy' | 'tags' | 'deadlines' | 'the change feed'}`;

/** The store could not be reached in time, or refused. What was asked of it may or may not have happened, but whole. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/**
 * Records of participants, by key. Like those of all ports, its reads see every commit that was done before they were asked,
 * and a method that needs the whole store rejects with StoreUnavailableError; `load` and `commit` give it for just the
 * participants it concerns.
 */
export interface RecordStore {
  /** The records in the order asked; null: none. */
  load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null | StoreUnavailableError)[]>;
  /**
   * Applies each changeset whose record is still the same text as in its `before`; `conflict`: it is not, and nothing
   * was done. Record, index entries and changes of one changeset become visible together. At most one per participant.
   */
  commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]>;
  due(nowMs: number, limit: number): Promise<Due>;
  /** How many participants are stored, gone ones included. It costs the same however many they are. */
  size(): Promise<number>;
}

/** Participants by what they have in common. Only commits change it. */
export interface PresenceIndex {
  /** The first `limit` participants after the cursor. One that stays as it is between two pages is in exactly one of them. */
  page(filter: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>>;
  occupancy(filter: OccupancyFilter): Promise<Occupancy>;
  /** Tags with somebody present, of one source or of all, in the order of their bytes. */
  tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>>;
  /** Sources that have, or had, a participant in the store, in order. */
  sources(): Promise<SourceName[]>;
}

/** What commits have announced, in order. Only commits add to it. */
export interface FeedStore {
  /** The position after the newest entry. */
  end(): Promise<FeedPosition>;
  /**
   * The first `limit` entries after a position, with the one that the position is within, if it is; fewer when they come to
   * MAX_PAGE_BYTES, or when there are no more. Those of one shard, and so of one participant, are in the order of their commits.
   * null: nobody can tell any more what came after that position, since its entry was trimmed, or was lost with the store's
   * data, or is another store's.
   */
  read(after: FeedPosition, limit: number): Promise<FeedEntry[] | null>;
  /**
   * Resolves when there is an entry after the position or the signal is aborted, or else in about a second. A wait that is
   * over has left nothing behind on the signal, which may live as long as the process.
   */
  waitForChange(after: FeedPosition, signal: AbortSignal): Promise<void>;
  /**
   * Drops some of the oldest entries that are over a limit, never the newest one; whether there may be more of them. What one
   * call does is bounded, however many entries there are and however large they are.
   */
  trim(limits: FeedLimits): Promise<boolean>;
}

/** Which subject each reference, such as that of a minted callback URL, belongs to. */
export interface BindingStore {
  /**
   * The subject that a reference is bound to: this one, if there was none. It stays so, at least until that time, unless
   * the store loses its data. Asked again, it costs one read.
   */
  bind(ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey>;
}

/** All ports of one store. */
export interface Storage {
  /** Which store this is and where its data is, for people. Never holds a secret. */
  readonly description: string;
  readonly records: RecordStore;
  readonly index: PresenceIndex;
  readonly feed: FeedStore;
  readonly bindings: BindingStore;
  /**
   * Resolves when a callback could be stored: does what `load`, `commit` and `bind` do, on the data that participants share,
   * and leaves nothing that any other method would show.
   */
  check(): Promise<void>;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
}
