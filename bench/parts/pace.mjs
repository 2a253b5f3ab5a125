// The latency of callbacks below the maximum rate.
import { FLOOR, ON_REDIS, ON_SQLITE } from '../implementations.mjs';
import { pace, refusedOf } from '../pace.mjs';
import { failuresOf, inTurns } from '../rounds.mjs';
import { format, middle, spread } from '../table.mjs';
import { callbacks } from '../wrk.mjs';

const IMPLEMENTATIONS = { redis: ON_REDIS, sqlite: ON_SQLITE, floor: FLOOR };

export async function paced({ rounds, warmMs, maxMs, ms }) {
  const rates = [];
  const results = await inTurns(rounds, IMPLEMENTATIONS, async (implementation, round) => {
    const result = await measure(implementation, {
      warmMs,
      maxMs,
      ms,
      perSecond: implementation === FLOOR && rates[round],
    });
    if (implementation === ON_REDIS) rates.push(result.perSecond);
    return result;
  });
  return {
    title: 'Latency at half the maximum rate',
    tables: [{ text: TEXT, rows: Object.entries(results).map(([key, runs]) => row(IMPLEMENTATIONS[key].name, runs)) }],
    samples: {
      p99OnRedis: results.redis.map(({ p99Ms }) => p99Ms),
      p99OnSqlite: results.sqlite.map(({ p99Ms }) => p99Ms),
    },
    failed: failuresOf(Object.values(results).flat()),
  };
}

const TEXT = `wrk finds the maximum rate of the implementation; then callbacks are sent at a constant rate of half of that, over 64 connections,
whether or not the responses keep up. Latency is measured from the scheduled time of a callback, so that a stall counts for
all callbacks that it delays. The floor gets the rate of Rollcall on Redis: its latency shows the overhead of the measurement.`;

/** `perSecond`: the rate; by default half of the maximum. */
async function measure(implementation, { warmMs, maxMs, ms, perSecond: given }) {
  const { port, stop } = await implementation.start();
  const warm = await callbacks({ port, ms: warmMs });
  const most = await callbacks({ port, ms: maxMs, plan: { sent: warm.requests } });
  const perSecond = given || most.perSecond / 2;
  const count = (perSecond * ms) / 1_000;
  const answer = await pace({ port, warmUp: { perSecond, count: count / 2 }, perSecond, count });
  await stop();
  const latency = answer.byStatus[204].fromIntended;
  return { ...latency, perSecond, failed: warm.failed + most.failed + refusedOf(answer) };
}

function row(name, runs) {
  const of = (member) => runs.map((run) => run[member]);
  return {
    '': name,
    'callbacks/s': middle(of('perSecond')),
    'p50 ms': middle(of('p50Ms'), 1),
    'p99 ms': middle(of('p99Ms'), 1),
    'spread of p99': spread(of('p99Ms'), 1),
    'p99.9 ms': middle(of('p999Ms'), 1),
    'max ms': middle(of('maxMs'), 1),
    failed: format(failuresOf(runs)),
  };
}
