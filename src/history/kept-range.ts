// The time for which history is complete: from the beginning of what is kept to where the projector has read, except for the gaps.
import type { Kysely, Selectable } from 'kysely';
import type { ProjectorRow, Tables } from './tables.js';

/** Changes arrive in history a moment later, and how far it is read is stored every few seconds. */
const MAX_DELAY_MS = 30_000;

interface Range {
  /** undefined: the beginning of what is kept. */
  readonly fromMs?: number | undefined;
  /** undefined: now. */
  readonly toMs?: number | undefined;
}

/** Whether no change of the range is missing. */
export async function isComplete(
  db: Kysely<Tables>,
  state: Selectable<ProjectorRow>,
  range: Range,
  nowMs: number,
): Promise<boolean> {
  if (!isRead(state, range, nowMs)) return false;
  const { fromMs = state.kept_from_ms, toMs = Number.POSITIVE_INFINITY } = range;
  let gaps = db.selectFrom('gaps').select('id').where('to_ms', '>', fromMs);
  if (toMs !== Number.POSITIVE_INFINITY) gaps = gaps.where('from_ms', '<', toMs);
  return (await gaps.limit(1).executeTakeFirst()) === undefined;
}

/** The same if there are no gaps. */
export function isRead(
  { position, kept_from_ms, read_until_ms }: Selectable<ProjectorRow>,
  { fromMs = kept_from_ms, toMs = Number.POSITIVE_INFINITY }: Range,
  nowMs: number,
): boolean {
  if (position === null || fromMs < kept_from_ms) return false;
  return Math.min(toMs, nowMs) <= read_until_ms + MAX_DELAY_MS;
}
