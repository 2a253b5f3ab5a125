// How many were present: peaks of each interval from statistics or, without history, what the page has seen.
import { request } from '../api/client.js';
import type { StatisticsResponse } from '../api/types.js';
import type { Sample } from '../presence/occupancy-samples.js';
import type { Series } from './chart.js';

export const SPANS = [
  { name: '1 h', ms: 3_600_000, intervalMs: 60_000, interval: 'PT1M' },
  { name: '6 h', ms: 6 * 3_600_000, intervalMs: 300_000, interval: 'PT5M' },
  { name: '24 h', ms: 24 * 3_600_000, intervalMs: 300_000, interval: 'PT5M' },
  { name: '7 d', ms: 7 * 86_400_000, intervalMs: 3_600_000, interval: 'PT1H' },
] as const;

export type Span = (typeof SPANS)[number];

/** The intervals begin at whole multiples of their length, so that the service can answer from what it has computed before. */
export async function peaksOf({ ms, intervalMs, interval }: Span, toMs: number, signal: AbortSignal): Promise<Series> {
  const from = Math.floor((toMs - ms) / intervalMs) * intervalMs;
  const query = new URLSearchParams({
    from: new Date(from).toISOString(),
    to: new Date(Math.ceil(toMs / intervalMs) * intervalMs).toISOString(),
    interval,
  });
  const { items } = await request<StatisticsResponse>(`/v1/stats?${String(query)}`, { signal });
  return [items.map((item) => Date.parse(item.from) / 1_000), items.map(({ peakParticipants }) => peakParticipants)];
}

export function seriesOf(samples: readonly Sample[]): Series {
  return [samples.map(({ atMs }) => atMs / 1_000), samples.map(({ present }) => present)];
}

/** The last value becomes what is present now, if that is known. */
export function endingNow([times, counts]: Series, present: number | undefined, nowMs: number): Series {
  if (present === undefined) return [times, counts];
  const last = times.at(-1);
  const nowS = nowMs / 1_000;
  return last !== undefined && last >= nowS
    ? [times, counts]
    : [
        [...times, nowS],
        [...counts, present],
      ];
}
