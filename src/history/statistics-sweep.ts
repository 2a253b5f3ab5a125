// Computes statistics by a sweep over all connections of a range, page by page, so that the memory that it takes does not depend on
// the length of the range.
import type { Selectable } from 'kysely';
import type { PacedQueue } from '../runtime/paced-queue.js';
import { type ConnectionCursor, type ConnectionFilter, rowsOf } from './connections.js';
import { earlyLengths, participantText, type StayLengths, type StayTables, stayLengths } from './stay-lengths.js';
import { Sweep, type SweptInterval } from './sweep.js';
import type { ConnectionRow } from './tables.js';

export interface IntervalStatistics extends Omit<SweptInterval, 'lengthsMs' | 'earlyStays'> {
  /** null: no stay ended. */
  readonly stay: StayLengths | null;
}

export interface TagStatistics extends IntervalStatistics {
  readonly tag: string;
}

export type StatisticsFilter = Pick<ConnectionFilter, 'tag' | 'source' | 'scope'>;

/** What a computation reads, and how much of it at most. */
export interface Reading extends StayTables {
  readonly maxRows: number;
  /** Pages of all computations take turns, with pauses. */
  readonly pages: PacedQueue;
}

type Row = Selectable<ConnectionRow>;

/** More than the limit allows. */
export const TOO_MANY_ROWS = 'too-many-rows';

const PAGE_ROWS = 2_000;

/** Of the intervals between the bounds. */
export async function sweepIntervals(
  reading: Reading,
  filter: StatisticsFilter,
  boundsMs: readonly number[],
): Promise<IntervalStatistics[] | typeof TOO_MANY_ROWS> {
  const sweep = new Sweep(boundsMs);
  const statistics: IntervalStatistics[] = [];
  // Intervals are dropped once they are summarized: a day may have millions of stays.
  const summarize = async () => {
    const intervals = sweep.finished.splice(0).map((interval) => ({ tag: filter.tag, interval }));
    statistics.push(...(await statisticsOf(reading, intervals)));
  };
  const isComplete = await forEachRow(reading, filter, boundsMs, (row) => addTo(sweep, row), summarize);
  if (!isComplete) return TOO_MANY_ROWS;
  sweep.finish();
  await summarize();
  return statistics;
}

/** Of each tag in the whole range. */
export async function sweepTags(
  reading: Reading,
  filter: StatisticsFilter,
  boundsMs: readonly [number, number],
): Promise<TagStatistics[] | typeof TOO_MANY_ROWS> {
  const sweeps = new Map<string, Sweep>();
  const add = (row: Row) => {
    if (row.tag === null) return;
    const sweep = sweeps.get(row.tag) ?? new Sweep(boundsMs);
    sweeps.set(row.tag, sweep);
    addTo(sweep, row);
  };
  if (!(await forEachRow(reading, filter, boundsMs, add))) return TOO_MANY_ROWS;
  for (const sweep of sweeps.values()) sweep.finish();
  const finished = [...sweeps].flatMap(
    ([
      tag,
      {
        finished: [interval],
      },
    ]) => (interval ? [{ tag, interval }] : []),
  );
  const statistics = await statisticsOf(reading, finished);
  return finished.map(({ tag }, n) => ({ tag, ...(statistics[n] as IntervalStatistics) }));
}

function addTo(sweep: Sweep, row: Row): void {
  const { started_at_ms: startMs, ended_at_ms: endMs, cause } = row;
  sweep.add({ participant: participantText(row), startMs, endMs, cause });
}

interface Finished {
  readonly tag: string | undefined;
  readonly interval: SweptInterval;
}

async function statisticsOf(reading: Reading, finished: readonly Finished[]): Promise<IntervalStatistics[]> {
  const early = finished.flatMap(({ tag, interval }) => interval.earlyStays.map((stay) => ({ ...stay, tag })));
  const earlyMs = await earlyLengths(reading, early);
  return finished.map(({ interval: { lengthsMs, earlyStays, ...counts } }) => {
    return { ...counts, stay: stayLengths(lengthsMs.concat(earlyMs.splice(0, earlyStays.length))) };
  });
}

/** In the order of their starts. Resolves with whether there were no more than allowed. */
async function forEachRow(
  { db, longestMs, maxRows, pages }: Reading,
  filter: StatisticsFilter,
  boundsMs: readonly number[],
  each: (row: Row) => void,
  afterPage?: () => Promise<void>,
): Promise<boolean> {
  const [fromMs = 0] = boundsMs;
  // A connection that ended at the beginning belongs to the range, too: somebody left then, or continued with another device.
  const overlapping = { ...filter, fromMs: fromMs - 1, toMs: boundsMs.at(-1) };
  let after: ConnectionCursor | null = null;
  for (let count = 0; ; ) {
    const rows: Row[] = await pages.run(async () => {
      const page = await rowsOf(db, overlapping, { after, limit: PAGE_ROWS, order: 'oldest' }, longestMs);
      for (const row of page) if ((row.ended_at_ms ?? fromMs) >= fromMs) each(row);
      await afterPage?.();
      return page;
    });
    count += rows.length;
    if (count > maxRows) return false;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE_ROWS) return true;
    after = { startedAtMs: last.started_at_ms, id: last.id };
  }
}
