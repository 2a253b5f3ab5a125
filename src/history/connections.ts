// Finds connections in history, page by page. Pages continue after a key, so each takes as long as the first one, and filters can be
// combined.
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely, Selectable, SelectQueryBuilder } from 'kysely';
import type { GoneCause } from '../domain/connection.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { HistoryStore } from './history-store.js';
import { isComplete } from './kept-range.js';
import type { ConnectionRow, Tables } from './tables.js';

export type Order = 'newest' | 'oldest';

/** Undefined members match everything. */
export interface ConnectionFilter {
  readonly participantId?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly tag?: string | undefined;
  readonly source?: string | undefined;
  readonly scope?: string | undefined;
  readonly cause?: GoneCause | undefined;
  readonly isOpen?: boolean | undefined;
  /** Only connections that were open at some time in this range; `toMs` is not part of it. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only connections that were open at this time: instead of a range. */
  readonly atMs?: number | undefined;
}

/** Pages are sorted by both. */
export interface ConnectionCursor {
  readonly startedAtMs: number;
  readonly id: number;
}

export interface ConnectionPage {
  readonly rows: readonly Selectable<ConnectionRow>[];
  /** null: there are no more. */
  readonly next: ConnectionCursor | null;
  /** Whether no change of the range is missing. */
  readonly isComplete: boolean;
}

interface PageOptions {
  readonly after: ConnectionCursor | null;
  readonly limit: number;
  readonly order: Order;
}

type Query = SelectQueryBuilder<Tables, 'connections', Selectable<ConnectionRow>>;

@Injectable()
export class Connections {
  constructor(
    private readonly store: HistoryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  get isOn(): boolean {
    return this.store.place !== undefined;
  }

  /** Rejects with HistoryUnavailableError. */
  page(filter: ConnectionFilter, options: PageOptions): Promise<ConnectionPage> {
    return this.store.use(async ({ reads: db }) => {
      const state = await db.selectFrom('projector').selectAll().executeTakeFirstOrThrow();
      const { limit } = options;
      // One more, to learn whether there are others.
      const found = await rowsOf(db, filter, { ...options, limit: limit + 1 }, state.longest_ms);
      const rows = found.slice(0, limit);
      const last = rows.at(-1);
      const next = found.length > limit && last ? { startedAtMs: last.started_at_ms, id: last.id } : null;
      return { rows, next, isComplete: await isComplete(db, state, filter, this.clock.now()) };
    });
  }
}

/**
 * Most connections that overlap the range began at most the length of the longest one before it. Only those that are still open can
 * have begun earlier, and they have an index of their own: so no query reads all that began before the range.
 */
export async function rowsOf(
  db: Kysely<Tables>,
  filter: ConnectionFilter,
  { after, limit, order }: PageOptions,
  longestMs: number,
): Promise<Selectable<ConnectionRow>[]> {
  const matching = () => ordered(matchingQuery(db, filter), order, after);
  const { atMs, fromMs = atMs } = filter;
  if (fromMs === undefined) return matching().limit(limit).execute();
  const earliestMs = fromMs - longestMs;
  const recent = matching().where('started_at_ms', '>=', earliestMs);
  const older = matching().where('started_at_ms', '<', earliestMs).where('ended_at_ms', 'is', null);
  const [first, second] = order === 'newest' ? [recent, older] : [older, recent];
  const rows = await first.limit(limit).execute();
  return rows.length === limit ? rows : [...rows, ...(await second.limit(limit - rows.length).execute())];
}

function matchingQuery(db: Kysely<Tables>, filter: ConnectionFilter): Query {
  const { participantId, deviceId, tag, source, scope, cause, isOpen, fromMs, toMs, atMs } = filter;
  let query: Query = db.selectFrom('connections').selectAll();
  if (participantId !== undefined) query = query.where('participant_id', '=', participantId);
  if (deviceId !== undefined) query = query.where('device_id', '=', deviceId);
  if (tag !== undefined) query = query.where('tag', '=', tag);
  if (source !== undefined) query = query.where('source', '=', source);
  if (scope !== undefined) query = query.where('scope', '=', scope);
  if (cause !== undefined) query = query.where('cause', '=', cause);
  if (isOpen !== undefined) query = query.where('ended_at_ms', isOpen ? 'is' : 'is not', null);
  if (toMs !== undefined) query = query.where('started_at_ms', '<', toMs);
  if (atMs !== undefined) query = openAt(query, atMs);
  if (fromMs === undefined) return query;
  return query.where((is) =>
    // The second one is for a connection of which only the end was received.
    is.or([is('ended_at_ms', 'is', null), is('ended_at_ms', '>', fromMs), is('started_at_ms', '>=', fromMs)]),
  );
}

export function openAt(query: Query, atMs: number): Query {
  return query
    .where('started_at_ms', '<=', atMs)
    .where((is) => is.or([is('ended_at_ms', 'is', null), is('ended_at_ms', '>', atMs)]));
}

function ordered(query: Query, order: Order, after: ConnectionCursor | null): Query {
  const [direction, sign] = order === 'newest' ? (['desc', '<'] as const) : (['asc', '>'] as const);
  const sorted = query.orderBy('started_at_ms', direction).orderBy('id', direction);
  if (!after) return sorted;
  return sorted.where((is) => is(is.refTuple('started_at_ms', 'id'), sign, is.tuple(after.startedAtMs, after.id)));
}
