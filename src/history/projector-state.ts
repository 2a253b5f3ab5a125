// The row that says how far the feed has been read. It is written in the transaction of the changes themselves, so that each
// of them is in the tables exactly once, and only by the process that took the newest token.
import type { Kysely } from 'kysely';
import { type FeedPosition, formatPosition, parsePosition } from '../storage/feed-position.js';
import { NotTheProjectorError } from './history-store.js';
import type { Tables } from './tables.js';

export interface ProjectorState {
  readonly token: number;
  /** null: nothing has been read yet. */
  readonly position: FeedPosition | null;
  readonly readUntilMs: number;
  readonly longestMs: number;
}

/** From now on, whoever had the token before can no longer write. */
export async function takeToken(db: Kysely<Tables>): Promise<ProjectorState> {
  const row = await db
    .updateTable('projector')
    .set(({ eb }) => ({ token: eb('token', '+', 1) }))
    .where('id', '=', 1)
    .returningAll()
    .executeTakeFirstOrThrow();
  return {
    token: row.token,
    position: row.position === null ? null : (parsePosition(row.position) ?? null),
    readUntilMs: row.read_until_ms,
    longestMs: row.longest_ms,
  };
}

/** Rejects with NotTheProjectorError if another process has taken the token. Called first in a transaction, it locks the row. */
export async function saveState(
  db: Kysely<Tables>,
  { token, position, readUntilMs, longestMs }: ProjectorState,
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('projector')
    .set({
      position: position && formatPosition(position),
      read_until_ms: readUntilMs,
      longest_ms: longestMs,
    })
    .where('id', '=', 1)
    .where('token', '=', token)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new NotTheProjectorError('another process has taken over');
}
