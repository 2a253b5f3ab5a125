// How long statistics of history take: those of an hour by minutes, by tag, and of a week. Each is asked for once, when it must be computed,
// and again, when it has been kept.
import { tagOf, timeAt } from './history-data.mjs';
import { median } from './rounds.mjs';
import { format } from './table.mjs';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** So few that the service keeps the results of all of them. */
const MAX_DIFFERENT = 15;

export const STATISTICS = `Statistics of a service whose database is filled as above: the first time, and again when nothing has changed. An hour
is one of 90 days, by minutes, and a week is by days. The medians, in milliseconds.`;

/** A row of the table: of a service with `count` connections that end at `endMs`, and up to `requests` of each kind. */
export async function statisticsOf(port, { count, endMs, requests }) {
  const fromOf = (n) => Math.floor(timeAt(0.05 + ((n * 0.618) % 0.9), endMs) / HOUR_MS) * HOUR_MS;
  const hour = (n) => rangeOf(fromOf(n), HOUR_MS);
  const tag = (n) => tagOf(n * 7_919, count);
  const paths = {
    'an hour': (n) => `stats?${hour(n)}&interval=PT1M`,
    'an hour of a tag': (n) => `stats?${hour(n)}&interval=PT1M&tag=${tag(n)}`,
    'an hour by tag': (n) => `stats/tags?${hour(n)}`,
    // With 10,000,000 connections in 90 days, a week has nearly as many as a query may read.
    'a week': () => `stats?${rangeOf(endMs - 20 * DAY_MS, 7 * DAY_MS)}&interval=P1D`,
  };
  const row = {};
  for (const [name, pathOf] of Object.entries(paths)) {
    const different = [...new Set(Array.from({ length: Math.min(requests, MAX_DIFFERENT) }, (_, n) => pathOf(n)))];
    for (const turn of ['first', 'again']) {
      const times = [];
      for (const path of different) times.push(await timeOf(port, path));
      row[`${name}, ${turn}`] = format(median(times), 1);
    }
  }
  return row;
}

function rangeOf(fromMs, lengthMs) {
  return `from=${new Date(fromMs).toISOString()}&to=${new Date(fromMs + lengthMs).toISOString()}`;
}

/** In milliseconds. */
async function timeOf(port, path) {
  const startMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/v1/${path}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  return performance.now() - startMs;
}
