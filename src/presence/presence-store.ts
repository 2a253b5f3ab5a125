// The one port of presence. A store keeps records as text that it never looks into, and finds participants by what
// an IndexEntry says of them. It holds no rule of presence: it loads, and it commits what was made of what it loaded,
// if nobody else was faster. Both adapters are held to test/contract/.
import type { ParticipantId } from './domain/lifecycle-event.js';
import type { PresenceState } from './domain/presence-view.js';

/** A record in the form of record-codec.ts. */
export type StoredRecord = string;

/** By what a participant is found and counted, derived from its record alone. */
export interface IndexEntry {
  readonly state: PresenceState;
  readonly sinceMs: number;
  readonly tag?: string;
  /** How many of its devices are present. */
  readonly devices: number;
  readonly dueMs: number;
}

/** What happens to one participant, all of it or nothing. */
export interface Changeset {
  readonly participantId: ParticipantId;
  /** The record as loaded, and what follows from it; null: there was none. */
  readonly before: Stored | null;
  /** null: the participant is forgotten. */
  readonly after: Stored | null;
  /** Announced changes in the form of change-codec.ts, appended to the feed in this order. */
  readonly changes: readonly string[];
}

interface Stored {
  readonly record: StoredRecord;
  readonly index: IndexEntry;
}

export interface PageFilter {
  readonly states: readonly PresenceState[];
  readonly tag?: string;
}

/** Pages are in order of (sinceMs, the bytes of participantId). */
export interface PageCursor {
  readonly sinceMs: number;
  readonly participantId: ParticipantId;
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
  readonly participantIds: readonly ParticipantId[];
  /** The earliest `dueMs` that has not come; null when there is none. */
  readonly nextDueMs: number | null;
}

export interface FeedItem {
  /** Opaque; where to go on after this item. */
  readonly position: string;
  readonly change: string;
}

/** The feed is trimmed to about this many changes. */
export const FEED_LENGTH = 100_000;

/** The store could not be reached in time, or refused. What was asked of it may or may not have happened, but whole. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/**
 * Reads see every commit that was done before they were asked. A method that needs the whole store rejects with
 * StoreUnavailableError; `load` and `commit` give it for just the participants it concerns.
 */
export interface PresenceStore {
  /** Which store this is and where its data is, for people. Never holds a secret. */
  readonly description: string;
  /** The records in the order asked; null: none. */
  load(participantIds: readonly ParticipantId[]): Promise<(StoredRecord | null | StoreUnavailableError)[]>;
  /**
   * Applies each changeset whose record is still the same text as in its `before`; `conflict`: it is not, and nothing
   * was done. Record, index entries and changes of one changeset become visible together. At most one per participant.
   */
  commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]>;
  /** The first `limit` participants after the cursor. One that stays as it is between two pages is in exactly one of them. */
  page(filter: PageFilter, after: PageCursor | null, limit: number): Promise<PageItem[]>;
  occupancy(tag?: string): Promise<Occupancy>;
  /** Tags with somebody present, in the order of their bytes. */
  tags(after: string | null, limit: number): Promise<TagOccupancy[]>;
  due(nowMs: number, limit: number): Promise<Due>;
  /** The feed after a position, from its beginning with null. Changes of one participant are in the order of its commits. */
  changes(after: string | null, limit: number): Promise<FeedItem[]>;
  /** Resolves when the store can be reached and written to. */
  check(): Promise<void>;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
}
