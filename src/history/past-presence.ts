// Who was present at a time, with what is known now: an event that was received later counts, too. A participant is on the page of the
// connection that began first of those that were open then.
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely, Selectable } from 'kysely';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { type ConnectionCursor, openAt, rowsOf } from './connections.js';
import { HistoryStore } from './history-store.js';
import { isComplete } from './kept-range.js';
import type { ConnectionRow, Tables } from './tables.js';

export interface PresenceFilter {
  readonly tag?: string | undefined;
  readonly source?: string | undefined;
  readonly scope?: string | undefined;
}

interface PageOptions {
  readonly after: ConnectionCursor | null;
  readonly limit: number;
}

type Row = Selectable<ConnectionRow>;

export interface PresencePage {
  /** Of each participant, the connections that were open, in order of their start. */
  readonly participants: readonly (readonly Row[])[];
  /** null: there are no more. */
  readonly next: ConnectionCursor | null;
  readonly isComplete: boolean;
}

/** The time is before what is kept. */
export interface NotKept {
  readonly keptFromMs: number;
}

@Injectable()
export class PastPresence {
  constructor(
    private readonly store: HistoryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Rejects with HistoryUnavailableError. */
  page(filter: PresenceFilter, atMs: number, { after, limit }: PageOptions): Promise<PresencePage | NotKept> {
    return this.store.use(async ({ reads: db }) => {
      const state = await db.selectFrom('projector').selectAll().executeTakeFirstOrThrow();
      if (atMs < state.kept_from_ms) return { keptFromMs: state.kept_from_ms };
      const options = { after, limit: limit + 1, order: 'oldest' as const };
      const found = await rowsOf(db, { ...filter, atMs }, options, state.longest_ms);
      const rows = found.slice(0, limit);
      const last = rows.at(-1);
      const next = found.length > limit && last ? { startedAtMs: last.started_at_ms, id: last.id } : null;
      const participants = await participantsOf(db, rows, { filter, atMs, longestMs: state.longest_ms });
      const range = { fromMs: atMs, toMs: atMs + 1 };
      return { participants, next, isComplete: await isComplete(db, state, range, this.clock.now()) };
    });
  }
}

interface Then {
  readonly filter: PresenceFilter;
  readonly atMs: number;
  readonly longestMs: number;
}

/** Those whose first connection is among the rows, with all of their connections. */
async function participantsOf(db: Kysely<Tables>, rows: readonly Row[], then: Then): Promise<Row[][]> {
  if (rows.length === 0) return [];
  const byParticipant = new Map<string, Row[]>();
  for (const row of await connectionsOf(db, rows, then)) {
    const text = textOf(row);
    byParticipant.set(text, [...(byParticipant.get(text) ?? []), row]);
  }
  const participants = rows.map((row) => ({ row, all: byParticipant.get(textOf(row)) ?? [] }));
  return participants.filter(({ row, all }) => all[0]?.id === row.id).map(({ all }) => all);
}

async function connectionsOf(
  db: Kysely<Tables>,
  rows: readonly Row[],
  { filter: { tag, source, scope }, atMs, longestMs }: Then,
): Promise<Row[]> {
  const ids = [...new Set(rows.map(({ participant_id }) => participant_id))];
  let query = openAt(db.selectFrom('connections').selectAll(), atMs).where('participant_id', 'in', ids);
  if (tag !== undefined) query = query.where('tag', '=', tag);
  if (source !== undefined) query = query.where('source', '=', source);
  if (scope !== undefined) query = query.where('scope', '=', scope);
  return query
    .where((is) => is.or([is('ended_at_ms', 'is', null), is('started_at_ms', '>=', atMs - longestMs)]))
    .orderBy('started_at_ms')
    .orderBy('id')
    .execute();
}

function textOf({ participant_id, source, scope }: Row): string {
  return JSON.stringify([participant_id, source, scope]);
}
