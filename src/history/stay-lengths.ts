// How long participants stayed.
import type { Kysely, RawBuilder, Sql } from 'kysely';
import type { Stay } from './sweep.js';
import type { Tables } from './tables.js';

export interface StayLengths {
  readonly totalMs: number;
  readonly meanMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

/** Of a participant whose connections with the tag count; undefined: all of them. */
export interface EarlyStay extends Stay {
  readonly tag: string | undefined;
}

/** Limits the parameters of one statement. */
const MAX_STAYS = 200;
/** Joins what identifies a participant. No part contains a control character: see identifier.ts. */
const SEPARATOR = '\u001f';

/** null: there are none. Percentiles are by nearest rank: lengths of stays that there were. */
export function stayLengths(lengthsMs: readonly number[]): StayLengths | null {
  if (lengthsMs.length === 0) return null;
  const sorted = Float64Array.from(lengthsMs).sort();
  const percentile = (percent: number) => sorted[Math.ceil((sorted.length * percent) / 100) - 1] as number;
  const totalMs = sorted.reduce((sum, ms) => sum + ms, 0);
  return {
    totalMs,
    meanMs: Math.round(totalMs / sorted.length),
    medianMs: percentile(50),
    p95Ms: percentile(95),
  };
}

export function participantText(row: { participant_id: string; source: string; scope: string }): string {
  return [row.participant_id, row.source, row.scope].join(SEPARATOR);
}

export interface StayTables {
  readonly db: Kysely<Tables>;
  readonly sql: Sql;
  /** At least the length of the longest connection that has ended. */
  readonly longestMs: number;
}

/** The length of each stay with all of its connections: also those that had ended before the first one that is known. */
export async function earlyLengths(tables: StayTables, stays: readonly EarlyStay[]): Promise<number[]> {
  const startsMs = stays.map(({ startMs }) => startMs);
  for (let places = [...stays.keys()]; places.length > 0; ) {
    const earlier: number[] = [];
    for (let n = 0; n < places.length; n += MAX_STAYS) {
      const values = places
        .slice(n, n + MAX_STAYS)
        .map((place) => valuesOf(tables.sql, place, stays[place] as EarlyStay, startsMs[place] as number));
      for (const { place, start_ms } of await earlierStarts(tables, values)) {
        startsMs[place] = start_ms;
        earlier.push(place);
      }
    }
    places = earlier;
  }
  return stays.map(({ endMs }, place) => endMs - (startsMs[place] as number));
}

function valuesOf(sql: Sql, place: number, { participant, tag }: EarlyStay, startMs: number): RawBuilder<unknown> {
  const [participantId, source, scope] = participant.split(SEPARATOR);
  return sql`(${sql.lit(place)}, ${sql.lit(startMs)}, ${participantId}, ${source}, ${scope}, ${tag ?? null})`;
}

/** For each stay, the start of an earlier connection that had not ended by the start that is known so far. */
async function earlierStarts(
  { db, sql, longestMs }: StayTables,
  values: readonly RawBuilder<unknown>[],
): Promise<{ place: number; start_ms: number }[]> {
  const { rows } = await sql<{ place: number; start_ms: number }>`
    SELECT k.column1 AS place, min(c.started_at_ms) AS start_ms
    FROM (VALUES ${sql.join(values)}) k
    JOIN connections c ON c.participant_id = k.column3 AND c.source = k.column4 AND c.scope = k.column5
      AND (k.column6 IS NULL OR c.tag = k.column6)
      AND c.started_at_ms < k.column2 AND c.started_at_ms >= k.column2 - ${sql.lit(longestMs)}
      AND c.ended_at_ms >= k.column2
    GROUP BY k.column1`.execute(db);
  return rows;
}
