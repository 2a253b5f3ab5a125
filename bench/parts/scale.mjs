// What an event costs when few and when very many are known, and when all of them have one tag.
import { knownOnRedis, seed } from '../known.mjs';
import { startNode } from '../processes.mjs';
import { failuresOf, inTurns, ratios } from '../rounds.mjs';
import { format, middle, spread } from '../table.mjs';
import { callbacks } from '../wrk.mjs';

/** Events of a device that are kept as such: with one more, and no fewer, its record grows no further. */
const FULL_HISTORY = 17;
/** Of very many that are known, so many have events: more than any cache of a processor holds. */
const MOST_ACTIVE = 100_000;
const rate = ({ perSecond }) => perSecond;
const cost = ({ cpuUs }) => cpuUs.service + cpuUs.redis;

export async function scale({ rounds, warmMs, ms, few, many, inOneTag }) {
  const bySize = { few: { count: few, events: FULL_HISTORY }, many: { count: many, events: FULL_HISTORY } };
  const byTag = { spread: { count: inOneTag }, hot: { count: inOneTag, tags: 1 } };
  const sizes = await compare(bySize, { rounds, warmMs, ms });
  const tags = await compare(byTag, { rounds, warmMs, ms });
  const rowsOf = (results, base) =>
    Object.entries(results).map(([, { store, runs }]) => row(store, runs, results[base].runs));
  return {
    title: 'Scale',
    tables: [
      { text: SIZE_TEXT, rows: rowsOf(sizes, 'few') },
      { text: TAG_TEXT, rows: rowsOf(tags, 'spread') },
    ],
    samples: {
      manyOfFew: ratios(sizes.many.runs, sizes.few.runs, cost),
      hotOfSpread: ratios(tags.hot.runs, tags.spread.runs, cost),
    },
    failed: failuresOf([...Object.values(sizes), ...Object.values(tags)].flatMap(({ runs }) => runs)),
  };
}

const SIZE_TEXT = `Callbacks by wrk, on Redis. Each event is one by which a participant leaves or comes back, so that every index changes. Those
that have events are scattered over all that are known, and have as long a history as is kept, so that the records are
alike. The cost is the processor time of the service and of Redis together.`;

const TAG_TEXT = `The same, when those that are known share tags by 10, and when all of them have one. Here the histories grow meanwhile,
on both sides alike.`;

/** Services on the two stores, in turns. */
async function compare(wanted, { rounds, warmMs, ms }) {
  const prepared = Object.entries(wanted).map(async ([key, one]) => [key, await prepare(one)]);
  const contestants = Object.fromEntries(await Promise.all(prepared));
  for (const contestant of Object.values(contestants)) await send(contestant, warmMs);
  const results = await inTurns(rounds, contestants, (contestant) => send(contestant, ms));
  for (const { stop } of Object.values(contestants)) await stop();
  return Object.fromEntries(
    Object.entries(contestants).map(([key, { store }]) => [key, { store, runs: results[key] }]),
  );
}

async function prepare({ count, tags, events }) {
  const store = await knownOnRedis(count, tags);
  const participants = Math.min(count, MOST_ACTIVE);
  const apart = Math.floor(count / participants);
  if (events) await seed({ redisUrl: store.redis.url }, { participants, apart, tags: store.tags, events });
  const { port, pid, stop } = await startNode('dist/main.js', store.env);
  const plan = { participants, apart, tags: store.tags, life: 'moves', sent: 0 };
  return { store, plan, port, pids: { service: pid, redis: store.redis.pid }, stop };
}

/** Goes on where the load before has ended, so that whoever is connected leaves, and whoever has left comes back. */
async function send(contestant, ms) {
  const { plan, port, pids } = contestant;
  const result = await callbacks({ port, ms, pids, plan });
  plan.sent += result.requests;
  return result;
}

function row({ count, tags }, runs, baseRuns) {
  return {
    known: format(count),
    tags: format(tags),
    'callbacks/s': middle(runs.map(rate)),
    'service CPU µs': middle(
      runs.map(({ cpuUs }) => cpuUs.service),
      1,
    ),
    'Redis CPU µs': middle(
      runs.map(({ cpuUs }) => cpuUs.redis),
      1,
    ),
    'rate of the first': middle(ratios(runs, baseRuns, rate), 2),
    'cost of the first': middle(ratios(runs, baseRuns, cost), 2),
    'spread of cost': spread(ratios(runs, baseRuns, cost), 2),
    'p99 ms': middle(
      runs.map(({ p99Ms }) => p99Ms),
      1,
    ),
    failed: format(failuresOf(runs)),
  };
}
