// Callbacks per second, compared with the minimal receiver and the hand-written one.
import { BY_HAND, FLOOR, ON_REDIS, ON_SQLITE } from '../implementations.mjs';
import { failuresOf, inTurns, median, ratios } from '../rounds.mjs';
import { format, middle, spread } from '../table.mjs';
import { usageOf } from '../usage.mjs';
import { callbacks } from '../wrk.mjs';

const IMPLEMENTATIONS = { floor: FLOOR, byHand: BY_HAND, redis: ON_REDIS, sqlite: ON_SQLITE };
const rate = ({ perSecond }) => perSecond;

export async function ingest({ rounds, warmMs, ms }) {
  const results = await inTurns(rounds, IMPLEMENTATIONS, (implementation) => measure(implementation, warmMs, ms));
  const rows = Object.entries(results).map(([key, runs]) => row(IMPLEMENTATIONS[key].name, runs, results));
  return {
    title: 'Callbacks',
    tables: [{ text: TEXT, rows }],
    samples: {
      redisOfByHand: ratios(results.redis, results.byHand, rate),
      redisOfFloor: ratios(results.redis, results.floor, rate),
      sqliteOfFloor: ratios(results.sqlite, results.floor, rate),
    },
    failed: failuresOf(Object.values(results).flat()),
  };
}

const TEXT = `Distinct lifecycle events of 10,000 participants, sent by wrk over 64 connections, each with one request in flight: the
maximum rate of one process. Each implementation is restarted for each round, with its own Redis, and warmed up.
The ratios are of callbacks per second, and medians over the rounds. Latency at this load is mostly queueing.`;

async function measure(implementation, warmMs, ms) {
  const { port, pids, stop } = await implementation.start();
  const warm = await callbacks({ port, ms: warmMs });
  // Continues where the warm-up ended, with the next events of each participant.
  const result = await callbacks({ port, ms, pids, plan: { sent: warm.requests } });
  const { rssKb } = usageOf(pids.service);
  await stop();
  return { ...result, failed: result.failed + warm.failed, rssMb: rssKb / 1_024 };
}

function row(name, runs, { floor, byHand }) {
  const cpuOf = (process) => runs.map(({ cpuUs }) => cpuUs[process] ?? 0);
  return {
    '': name,
    'callbacks/s': middle(runs.map(rate)),
    spread: spread(runs.map(rate)),
    'ratio to floor': middle(ratios(runs, floor, rate), 2),
    'ratio to hand-written': middle(ratios(runs, byHand, rate), 2),
    'p50 ms': middle(
      runs.map(({ p50Ms }) => p50Ms),
      1,
    ),
    'p99 ms': middle(
      runs.map(({ p99Ms }) => p99Ms),
      1,
    ),
    'service CPU µs': middle(cpuOf('service'), 1),
    'Redis CPU µs': median(cpuOf('redis')) === 0 ? '–' : middle(cpuOf('redis'), 1),
    'memory, MiB': middle(runs.map(({ rssMb }) => rssMb)),
    failed: format(failuresOf(runs)),
  };
}
