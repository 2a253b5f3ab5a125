// How long a callback takes when the service is not at its limit.
import { FLOOR, ON_REDIS, ON_SQLITE } from '../contestants.mjs';
import { pace, refusedOf } from '../pace.mjs';
import { failuresOf, inTurns } from '../rounds.mjs';
import { format, middle, spread } from '../table.mjs';
import { callbacks } from '../wrk.mjs';

const CONTESTANTS = { redis: ON_REDIS, sqlite: ON_SQLITE, floor: FLOOR };

export async function paced({ rounds, warmMs, mostMs, ms }) {
  const rates = [];
  const results = await inTurns(rounds, CONTESTANTS, async (contestant, round) => {
    const result = await measure(contestant, { warmMs, mostMs, ms, perSecond: contestant === FLOOR && rates[round] });
    if (contestant === ON_REDIS) rates.push(result.perSecond);
    return result;
  });
  return {
    title: 'Latency at half the maximum rate',
    tables: [{ text: TEXT, rows: Object.entries(results).map(([key, runs]) => row(CONTESTANTS[key].name, runs)) }],
    samples: {
      p99OnRedis: results.redis.map(({ p99Ms }) => p99Ms),
      p99OnSqlite: results.sqlite.map(({ p99Ms }) => p99Ms),
    },
    failed: failuresOf(Object.values(results).flat()),
  };
}

const TEXT = `wrk finds the most that the contestant takes; then callbacks are sent at an even rate of half of that, over 64 connections,
whether or not the answers keep up. Latency is counted from when a callback was to be sent, so that a stall counts for all
that it held up. The floor has the rate of Rollcall on Redis: its latency is what this way to measure costs by itself.`;

/** `perSecond`: the rate, if it is not to be half of the most. */
async function measure(contestant, { warmMs, mostMs, ms, perSecond: given }) {
  const { port, stop } = await contestant.start();
  const warm = await callbacks({ port, ms: warmMs });
  const most = await callbacks({ port, ms: mostMs, plan: { sent: warm.requests } });
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
    'most ms': middle(of('mostMs'), 1),
    failed: format(failuresOf(runs)),
  };
}
