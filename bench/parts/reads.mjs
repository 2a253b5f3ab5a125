// Reads per second, with few and with many participants.
import { FLOOR } from '../implementations.mjs';
import { knownOnRedis, knownOnSqlite } from '../known.mjs';
import { startNode } from '../processes.mjs';
import { failuresOf, inTurns, ratios } from '../rounds.mjs';
import { format, middle, spread } from '../table.mjs';
import { load } from '../wrk.mjs';

/** Fewer connections for larger responses: otherwise requests wait longer than the measurement lasts. */
const READS = {
  one: { name: 'GET one participant', connections: 64 },
  list: { name: 'first page of 100', connections: 16 },
  lookup100: { name: 'lookup of 100', connections: 16 },
  lookup1000: { name: 'lookup of 1,000', connections: 4 },
  occupancy: { name: 'occupancy', connections: 64 },
};
const rate = ({ perSecond }) => perSecond;

export async function reads({ rounds, warmMs, ms, onRedis, onSqlite }) {
  const variants = await startAll(onRedis, onSqlite);
  for (const variant of variants.values()) await measure(variant, warmMs);
  const results = await inTurns(rounds, Object.fromEntries(variants), (variant) => measure(variant, ms));
  for (const { stop } of new Set([...variants.values()].map(({ service }) => service))) await stop();

  const rows = [...variants].map(([key, variant]) => row(variant, results[key], results.floor));
  const most = Math.max(...onRedis);
  const least = Math.min(...onRedis);
  return {
    title: 'Reads',
    tables: [{ text: TEXT, rows }],
    samples: {
      oneOfFloor: ratios(results[`Redis ${most} one`], results.floor, rate),
      pageOfFew: ratios(results[`Redis ${least} list`], results[`Redis ${most} list`], rate),
    },
    failed: failuresOf(Object.values(results).flat()),
  };
}

const TEXT = `Requested by wrk, each connection with one request in flight, for participants scattered over the whole store, all of them
connected, with one device and a tag. The floor answers with a fixed text of the size of one participant. Latency at this
load is mostly queueing.`;

/** The minimal receiver, and each read on a service for each number of participants, by key. */
async function startAll(onRedis, onSqlite) {
  const redis = onRedis.map(async (count) => variantsOf('Redis', await knownOnRedis(count)));
  const sqlite = onSqlite.map(async (count) => variantsOf('SQLite', await knownOnSqlite(count)));
  const floor = { ...READS.one, name: FLOOR.name, store: '–', known: 1, read: 'one', service: await FLOOR.start() };
  return new Map([['floor', floor], ...(await Promise.all([...redis, ...sqlite])).flat()]);
}

async function variantsOf(store, { count, env, redis }) {
  const { port, pid, stop } = await startNode('dist/main.js', env);
  const service = { port, pids: { service: pid, ...(redis && { redis: redis.pid }) }, stop };
  return Object.entries(READS).map(([read, settings]) => [
    `${store} ${count} ${read}`,
    { ...settings, store, known: count, read, service },
  ]);
}

export function measure({ read, known, connections, service: { port, pids } }, ms) {
  return load({ port, script: 'read', plan: { read, known }, ms, pids, connections });
}

/** `floor`: the runs to compare with; undefined: none. */
export function row({ name, store, known, connections }, runs, floor) {
  const cpuOf = (process) =>
    middle(
      runs.map(({ cpuUs }) => cpuUs[process]),
      1,
    );
  return {
    '': name,
    store,
    participants: store === '–' ? '–' : format(known),
    connections: format(connections),
    'responses/s': middle(runs.map(rate)),
    spread: spread(runs.map(rate)),
    ...(floor && { 'ratio to floor': middle(ratios(runs, floor, rate), 3) }),
    'p50 ms': middle(
      runs.map(({ p50Ms }) => p50Ms),
      1,
    ),
    'p99 ms': middle(
      runs.map(({ p99Ms }) => p99Ms),
      1,
    ),
    'service CPU µs': cpuOf('service'),
    'Redis CPU µs': store === 'Redis' ? cpuOf('redis') : '–',
    failed: format(failuresOf(runs)),
  };
}
