// The tables of history. Analysts read them, so their names, columns and meanings are stable: docs/history.md describes them. All
// times are in milliseconds since the epoch.
import type { Generated } from 'kysely';
import type { GoneCause } from '../domain/connection.js';

/** One connection of a device: from its connect to its end, interruptions within the grace period included. */
export interface ConnectionRow {
  readonly id: Generated<number>;
  readonly source: string;
  /** '' for none. */
  readonly scope: string;
  readonly participant_id: string;
  readonly device_id: string;
  /** Differs if the device was forgotten in between. Greater for later ones. */
  readonly generation: number;
  /** The connections of a generation are numbered from 0. */
  readonly number: number;
  /** That of the participant when the connection ended, or now. */
  readonly tag: string | null;
  /** null: no connect event was received. */
  readonly connected_at_ms: number | null;
  /** The earliest time at which the connection is known to have been open. */
  readonly started_at_ms: number;
  /** Only while it is open, but interrupted. */
  readonly lost_at_ms: number | null;
  /** null: it is open. */
  readonly ended_at_ms: number | null;
  readonly cause: GoneCause | null;
  readonly interruptions: number;
  /** The version of the participant that the row shows. */
  readonly version: number;
}

/** Changes of this time are missing: they had left the feed before they were read. */
export interface GapRow {
  readonly id: Generated<number>;
  readonly from_ms: number;
  readonly to_ms: number;
}

/** One row: how far the feed has been read, and by whom. */
export interface ProjectorRow {
  readonly id: number;
  /** Only the process that took this token may write. */
  readonly token: number;
  /** null: nothing has been read yet. */
  readonly position: string | null;
  /** Until when all changes have been read. */
  readonly read_until_ms: number;
  /** From when on history is complete, but for the gaps. */
  readonly kept_from_ms: number;
  /** At least the length of the longest connection that has ended. */
  readonly longest_ms: number;
  /** Of the changes without a revision, the earliest time that they affect; null: all have one. See revisions.ts. */
  readonly changed_from_ms: number | null;
}

/** See revisions.ts. */
interface RevisionRow {
  readonly from_ms: number;
  /** Of the connections from this time on. */
  readonly revision: number;
}

export interface Tables {
  readonly connections: ConnectionRow;
  readonly gaps: GapRow;
  readonly projector: ProjectorRow;
  readonly revisions: RevisionRow;
}
