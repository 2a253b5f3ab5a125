// Statistics of how many participants there were, who came and left, and how long they stayed. Results are kept until something changes
// on which they depend: a late event corrects them, whichever process writes it.
import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Kysely, Selectable } from 'kysely';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { PacedQueue } from '../runtime/paced-queue.js';
import type { HistoryDatabase } from './history-database.js';
import { HistoryStore, isHistoryUnavailable } from './history-store.js';
import { isRead } from './kept-range.js';
import { KeptResults } from './kept-results.js';
import { revisionsBefore } from './revisions.js';
import {
  type IntervalStatistics,
  type Reading,
  type StatisticsFilter,
  sweepIntervals,
  sweepTags,
  type TagStatistics,
  TOO_MANY_ROWS,
} from './statistics-sweep.js';
import type { GapRow, ProjectorRow, Tables } from './tables.js';

export interface Result<T> {
  readonly value: T;
  /** Whether no change of the interval is missing. */
  readonly isComplete: boolean;
}

/** For each interval; undefined if it must be computed. */
interface Known<T> {
  readonly values: (T | undefined)[];
  readonly areComplete: readonly boolean[];
  readonly keys: readonly string[];
  readonly revisions: readonly number[];
  readonly state: Selectable<ProjectorRow>;
}

interface Query<T> {
  readonly kept: KeptResults<T>;
  readonly filter: StatisticsFilter;
  readonly boundsMs: readonly number[];
  /** Of consecutive intervals. */
  readonly compute: Compute<T>;
}

type SqlTables = Pick<HistoryDatabase, 'db' | 'sql'>;

type Compute<T> = (reading: Reading, boundsMs: readonly number[]) => Promise<T[] | typeof TOO_MANY_ROWS>;

/** Takes about 20 s on a busy machine, half of which are pauses. */
const DEFAULT_MAX_ROWS = 1_000_000;
/** About 10 MB for each of both kinds. */
const MAX_KEPT = 20_000;
/** No response has more. */
const MAX_TAGS = 1_000;

@Injectable()
export class Statistics {
  readonly #intervals = new KeptResults<IntervalStatistics>(MAX_KEPT);
  readonly #tagLists = new KeptResults<readonly TagStatistics[]>(MAX_KEPT);
  /** One at a time, so that each has the database to itself, and the next one finds what this one has computed. */
  readonly #computations = new PacedQueue(isHistoryUnavailable);
  readonly #pages = new PacedQueue(isHistoryUnavailable);

  constructor(
    private readonly store: HistoryStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Optional() readonly maxRows: number = DEFAULT_MAX_ROWS,
  ) {}

  get isOn(): boolean {
    return this.store.place !== undefined;
  }

  /** For each interval between the bounds. Rejects with HistoryUnavailableError. */
  intervals(
    filter: StatisticsFilter,
    boundsMs: readonly number[],
  ): Promise<Result<IntervalStatistics>[] | typeof TOO_MANY_ROWS> {
    const compute: Compute<IntervalStatistics> = (reading, bounds) => sweepIntervals(reading, filter, bounds);
    return this.#results({ kept: this.#intervals, filter, boundsMs, compute });
  }

  /** Those with the greatest peaks of participants, then of devices; then by tag. Rejects with HistoryUnavailableError. */
  async tags(
    filter: StatisticsFilter,
    fromMs: number,
    toMs: number,
  ): Promise<Result<readonly TagStatistics[]> | typeof TOO_MANY_ROWS> {
    const compute: Compute<readonly TagStatistics[]> = async (reading) => {
      const tags = await sweepTags(reading, filter, [fromMs, toMs]);
      return tags === TOO_MANY_ROWS ? tags : [tags.sort(byPeak).slice(0, MAX_TAGS)];
    };
    const results = await this.#results({ kept: this.#tagLists, filter, boundsMs: [fromMs, toMs], compute });
    return results === TOO_MANY_ROWS ? results : (results[0] as Result<readonly TagStatistics[]>);
  }

  async #results<T>(query: Query<T>): Promise<Result<T>[] | typeof TOO_MANY_ROWS> {
    const known = await this.store.use(({ reads, sql }) => lookUp(query, { db: reads, sql }, this.clock.now()));
    if (!known.values.includes(undefined)) return resultsOf(known);
    return this.#computations.run(() =>
      this.store.use((database) =>
        database.snapshot(async (db) => {
          const tables = { db, sql: database.sql };
          const seen = await lookUp(query, tables, this.clock.now());
          return (await this.#fill(seen, query, tables)) ? resultsOf(seen) : TOO_MANY_ROWS;
        }),
      ),
    );
  }

  /** Resolves with whether the limit allows it. */
  async #fill<T>(
    { values, keys, revisions, state }: Known<T>,
    { kept, boundsMs, compute }: Query<T>,
    tables: SqlTables,
  ): Promise<boolean> {
    const [first, last] = [values.indexOf(undefined), values.lastIndexOf(undefined)];
    if (first < 0) return true;
    const reading = { ...tables, longestMs: state.longest_ms, maxRows: this.maxRows, pages: this.#pages };
    const computed = await compute(reading, boundsMs.slice(first, last + 2));
    if (computed === TOO_MANY_ROWS) return false;
    for (const [n, value] of computed.entries()) {
      const place = first + n;
      values[place] = value;
      if (!hasRevision(state, boundsMs[place + 1])) continue;
      const size = Array.isArray(value) ? value.length + 1 : 1;
      kept.keep(keys[place] as string, { revision: revisions[place] as number, result: value, size });
    }
    return true;
  }
}

async function lookUp<T>(
  { kept, filter, boundsMs }: Query<T>,
  { db, sql }: SqlTables,
  nowMs: number,
): Promise<Known<T>> {
  const state = await db.selectFrom('projector').selectAll().executeTakeFirstOrThrow();
  const [startsMs, endsMs] = [boundsMs.slice(0, -1), boundsMs.slice(1)];
  const revisions = await revisionsBefore(db, sql, endsMs);
  const gaps = await gapsIn(db, boundsMs);
  const { tag, source, scope } = filter;
  const keys = startsMs.map((fromMs, n) => JSON.stringify([fromMs, endsMs[n], tag, source, scope]));
  const values = startsMs.map((fromMs, n) => {
    const mayBeKept = isKept(state, fromMs) && hasRevision(state, endsMs[n]);
    return mayBeKept ? kept.find(keys[n] as string, revisions[n] as number) : undefined;
  });
  const areComplete = startsMs.map((fromMs, n) => {
    const toMs = endsMs[n] as number;
    const hasGap = gaps.some(({ from_ms, to_ms }) => from_ms < toMs && to_ms > fromMs);
    return !hasGap && isRead(state, { fromMs, toMs }, nowMs);
  });
  return { values, areComplete, keys, revisions, state };
}

/** Connections that ended before history begins are deleted without a new revision. */
function isKept({ position, kept_from_ms }: Selectable<ProjectorRow>, fromMs = 0): boolean {
  return position !== null && fromMs >= kept_from_ms;
}

/** Whether all changes that affect the time before it have a revision. */
function hasRevision({ changed_from_ms }: Selectable<ProjectorRow>, toMs = 0): boolean {
  return changed_from_ms === null || changed_from_ms >= toMs;
}

function gapsIn(db: Kysely<Tables>, boundsMs: readonly number[]): Promise<Selectable<GapRow>[]> {
  const [fromMs, toMs] = [boundsMs[0] as number, boundsMs.at(-1) as number];
  return db.selectFrom('gaps').selectAll().where('to_ms', '>', fromMs).where('from_ms', '<', toMs).execute();
}

function resultsOf<T>({ values, areComplete }: Known<T>): Result<T>[] {
  return values.map((value, n) => ({ value: value as T, isComplete: areComplete[n] as boolean }));
}

function byPeak(a: TagStatistics, b: TagStatistics): number {
  const isFirst = a.tag < b.tag ? -1 : 1;
  return b.peakParticipants - a.peakParticipants || b.peakDevices - a.peakDevices || isFirst;
}
