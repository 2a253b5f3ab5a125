// History: what it costs callbacks, how far it lags behind, and how long its answers take.
import { setTimeout as wait } from 'node:timers/promises';
import { fillPostgres, fillSqlite, participantOf, tagOf, timeAt } from '../history-data.mjs';
import { STATISTICS, statisticsOf } from '../history-statistics.mjs';
import { pace, refusedOf } from '../pace.mjs';
import { startPostgres } from '../postgres.mjs';
import { makeFolder, startNode, startRedis } from '../processes.mjs';
import { failuresOf, median, percentile, ratios } from '../rounds.mjs';
import { callbacksInSlices } from '../slices.mjs';
import { format, middle, spread } from '../table.mjs';
import { callbacks } from '../wrk.mjs';

const STORES = { sqlite: 'SQLite', postgres: 'Redis and PostgreSQL' };
const GOAL_NAMES = { sqlite: 'SQLite', postgres: 'PostgreSQL' };
const PAGES_OF_GOAL = ['by tag, ms', 'by participant, ms'];
/** Longer than what is in the databases, so that nothing is deleted while it is measured. */
const ENV = { HISTORY_RETENTION_MS: String(366 * 86_400_000) };
const SAMPLE_MS = 50;
const SETTLE_MS = 3_000;
const PROGRESS_MS = 250;

export async function history({ counts, requests, ...costSizes }) {
  const costs = await costsOf(costSizes);
  const answers = [];
  for (const store of Object.keys(STORES)) {
    for (const count of counts) answers.push(await answersOf(store, count, requests));
    const [few, many] = [answers.at(-counts.length), answers.at(-1)].map(({ pageMs }) => pageMs);
    costs.samples[`historyPage ${GOAL_NAMES[store]}`] = PAGES_OF_GOAL.map((name) => many[name] / few[name]);
  }
  return {
    title: 'History',
    tables: [
      { text: COSTS, rows: costs.rows },
      { text: textOf(requests), rows: answers.map(({ pages }) => pages) },
      { text: STATISTICS, rows: answers.map(({ statistics }) => statistics) },
    ],
    samples: costs.samples,
    failed: costs.failed,
  };
}

const COSTS = `The usual callbacks, with history on and off in short slices in turns. CPU time is that of the service per callback, until
history has all of them. Rows per second: of callbacks that arrived while history was off, and the service has nothing else to do.
Lag: until when history has all changes, with callbacks at half the maximum rate.`;

const textOf = (
  requests,
) => `Requests one after another, ${requests} of each kind, of a service that has nothing else to do: the first 100
connections of a random tag or participant, and the first 100 participants present at a random time of 90 days. The medians, in
milliseconds. Each participant has 200 connections, and each tag 1,000.`;

/** Starts what a service with history needs. `start`: starts the service itself, which keeps its data when it is stopped. */
async function stores(store) {
  const env = { DATA_DIR: makeFolder() };
  const others = store === 'sqlite' ? [] : [await startRedis(), await startPostgres()];
  const [redis, postgres] = others;
  if (redis) Object.assign(env, { REDIS_URL: redis.url, DATABASE_URL: postgres.url });
  const start = (settings) => startNode('dist/main.js', { ...env, ...settings });
  const stop = async () => void (await Promise.all(others.map((other) => other.stop())));
  return { dataDir: env.DATA_DIR, postgres, start, stop };
}

/** The CPU time of callbacks with and without history, and how fast history is written. */
async function costsOf({ rounds, warmMs, ms, slices }) {
  const rows = [];
  const samples = {};
  const results = [];
  for (const [store, name] of Object.entries(STORES)) {
    const { off, on } = await costOf(store, slices);
    const speeds = [];
    for (let round = 0; round < rounds; round += 1) speeds.push(await speedOf(store, warmMs, ms));
    results.push(...off, ...on, ...speeds);
    const cpu = ({ cpuUs }) => cpuUs;
    const cost = { ratios: ratios(on, off, cpu), rows: speeds.map(({ rowsPerSecond }) => rowsPerSecond) };
    const lags = speeds.map(({ lagP99Ms }) => lagP99Ms);
    rows.push({
      '': name,
      'CPU µs, off': middle(off.map(cpu), 1),
      'CPU µs, on': middle(on.map(cpu), 1),
      ratio: middle(cost.ratios, 2),
      spread: spread(cost.ratios, 2),
      'rows/s': middle(cost.rows),
      'lag p99 ms': middle(lags),
    });
    samples[`historyCpu ${GOAL_NAMES[store]}`] = cost.ratios;
    samples[`historyRows ${GOAL_NAMES[store]}`] = cost.rows;
    samples[`historyLag ${GOAL_NAMES[store]}`] = lags;
  }
  return { rows, samples, failed: failuresOf(results) };
}

async function costOf(store, slices) {
  const [without, withHistory] = [await stores(store), await stores(store)];
  const off = await without.start({ HISTORY: 'off' });
  const on = await withHistory.start({});
  await untilComplete(on.port);
  const results = await callbacksInSlices({ off, on }, slices);
  for (const service of [off, on]) await service.stop();
  for (const place of [without, withHistory]) await place.stop();
  return results;
}

async function speedOf(store, warmMs, ms) {
  const { start, stop } = await stores(store);
  const { port, stop: stopNode } = await start({});
  await untilComplete(port);
  const warm = await callbacks({ port, ms: warmMs });
  const { perSecond, failed } = await callbacks({ port, ms, plan: { sent: warm.requests } });
  await wait(SETTLE_MS);
  const lag = await lagAt(port, perSecond / 2, ms);
  await stopNode();
  const rowsPerSecond = await catchUp(start, ms);
  await stop();
  return { rowsPerSecond, lagP99Ms: lag.p99Ms, failed: warm.failed + failed + lag.failed };
}

/** Resolves with the rows per second that history writes of callbacks that arrived while it was off. */
async function catchUp(start, ms) {
  const without = await start({ HISTORY: 'off' });
  await callbacks({ port: without.port, ms, plan: { sent: 100_000_000, first: 20_000 } });
  await without.stop();
  const { port, stop } = await start({});
  const begins = [];
  for (let last = -1; ; await wait(PROGRESS_MS)) {
    const rows = await figure(port, 'rollcall_history_rows_total');
    if (rows > 0) begins.push([performance.now(), rows]);
    if (rows > 0 && rows === last) break;
    last = rows;
  }
  await stop();
  // The last one was the same as the one before.
  const [[fromMs, first], [untilMs, last]] = [begins[0], begins.at(-2)];
  return untilMs > fromMs ? ((last - first) * 1_000) / (untilMs - fromMs) : last / (PROGRESS_MS / 1_000);
}

/** Resolves when history has begun. */
async function untilComplete(port) {
  for (let isComplete = false; !isComplete; await wait(SAMPLE_MS)) {
    const response = await fetch(`http://127.0.0.1:${port}/v1/connections`);
    ({ complete: isComplete } = await response.json());
  }
}

async function lagAt(port, perSecond, ms) {
  let isDone = false;
  const lags = [];
  const sampling = (async () => {
    while (!isDone) {
      lags.push(Date.now() - (await readUntilMs(port)));
      await wait(SAMPLE_MS);
    }
  })();
  const answer = await pace({
    port,
    warmUp: { perSecond, count: 1 },
    perSecond,
    count: (perSecond * ms) / 1_000,
    firstTurn: 400,
  });
  isDone = true;
  await sampling;
  return {
    p99Ms: percentile(
      lags.toSorted((a, b) => a - b),
      0.99,
    ),
    failed: refusedOf(answer),
  };
}

async function readUntilMs(port) {
  return (await figure(port, 'rollcall_history_read_until_timestamp_seconds')) * 1_000;
}

async function figure(port, name) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function answersOf(store, count, requests) {
  const { dataDir, postgres, start, stop } = await stores(store);
  const creating = await start(ENV);
  await untilComplete(creating.port);
  await creating.stop();
  const endMs = Date.now();
  const bytes = postgres ? await fillPostgres(postgres.url, count, endMs) : fillSqlite(dataDir, count, endMs);
  const { port, stop: stopNode } = await start(ENV);
  const scattered = (n) => (n * 7_919) % count;
  const paths = {
    'by tag, ms': (n) => `connections?tag=${tagOf(scattered(n), count)}`,
    'by participant, ms': (n) => `participants/${participantOf(scattered(n), count)}/connections`,
    'present at, ms': (n) => `presence?at=${new Date(timeAt((n * 0.618) % 1, endMs)).toISOString()}`,
  };
  const about = { '': STORES[store], connections: format(count) };
  const row = { ...about };
  const pageMs = {};
  for (const [name, pathOf] of Object.entries(paths)) {
    pageMs[name] = await timeOf(port, pathOf, requests);
    row[name] = format(pageMs[name], 1);
  }
  row['bytes each'] = format(bytes);
  const statistics = { ...about, ...(await statisticsOf(port, { count, endMs, requests })) };
  await stopNode();
  await stop();
  return { pages: row, pageMs, statistics };
}

/** The median in milliseconds. */
async function timeOf(port, pathOf, requests) {
  const times = [];
  for (let n = 0; n < requests; n += 1) {
    const startMs = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}/v1/${pathOf(n)}`);
    await response.text();
    times.push(performance.now() - startMs);
    if (response.status !== 200) throw new Error(`${pathOf(n)}: ${response.status}`);
  }
  return median(times);
}
