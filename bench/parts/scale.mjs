// The cost of an event with few and with very many participants, with one tag for all, and with many devices per participant.
import { ON_REDIS } from '../implementations.mjs';
import { knownOnRedis, seed } from '../known.mjs';
import { tagCount } from '../participants.mjs';
import { startNode } from '../processes.mjs';
import { failuresOf, inTurns, ratios } from '../rounds.mjs';
import { format, middle, spread } from '../table.mjs';
import { callbacks } from '../wrk.mjs';

/** The number of events kept per device: with one more, its record no longer grows. */
const FULL_HISTORY = 17;
/** The number of participants with events: their records exceed any CPU cache. */
const MAX_ACTIVE = 100_000;
const rate = ({ perSecond }) => perSecond;
const cost = ({ cpuUs }) => cpuUs.service + cpuUs.redis;

export async function scale({ rounds, warmMs, ms, few, many, inOneTag, devices }) {
  const sizes = await compare(
    { few: known({ count: few, events: FULL_HISTORY }), many: known({ count: many, events: FULL_HISTORY }) },
    { rounds, warmMs, ms },
  );
  const tags = await compare(
    { spread: known({ count: inOneTag }), hot: known({ count: inOneTag, tags: 1 }) },
    { rounds, warmMs, ms },
  );
  const lives = await compare(
    { one: reloading({ count: few, devices: 1 }), many: reloading({ count: few, devices }) },
    { rounds, warmMs, ms },
  );
  const rowsOf = (results, base) =>
    Object.entries(results).map(([, { store, runs }]) => row(store, runs, results[base].runs));
  return {
    title: 'Scale',
    tables: [
      { text: SIZE_TEXT, rows: rowsOf(sizes, 'few') },
      { text: TAG_TEXT, rows: rowsOf(tags, 'spread') },
      { text: DEVICE_TEXT, rows: rowsOf(lives, 'one') },
    ],
    samples: {
      manyOfFew: ratios(sizes.many.runs, sizes.few.runs, cost),
      hotOfSpread: ratios(tags.hot.runs, tags.spread.runs, cost),
    },
    failed: failuresOf([sizes, tags, lives].flatMap(Object.values).flatMap(({ runs }) => runs)),
  };
}

const SIZE_TEXT = `Callbacks by wrk, on Redis. With each event a participant leaves or comes back, so that every index changes. The participants
with events are scattered over the whole store and have the longest history that is kept, so that their records have equal
size. The cost is the CPU time of the service and of Redis together; relative values compare with the first row.`;

const TAG_TEXT = `The same, with ten participants per tag, and with one tag for all. Here the histories grow during the measurement, on both
sides alike.`;

const DEVICE_TEXT = `The same, for participants who connect and leave with the same device each time, and for those who use a new device each time,
as after a page reload. The number of devices kept is bounded, and each participant has exceeded it before the measurement
starts.`;

/** Measures two services in turns. */
async function compare(starting, { rounds, warmMs, ms }) {
  const started = Object.entries(starting).map(async ([key, variant]) => [key, await variant]);
  const variants = Object.fromEntries(await Promise.all(started));
  for (const variant of Object.values(variants)) await send(variant, warmMs);
  const results = await inTurns(rounds, variants, (variant) => send(variant, ms));
  for (const { stop } of Object.values(variants)) await stop();
  return Object.fromEntries(Object.entries(variants).map(([key, { store }]) => [key, { store, runs: results[key] }]));
}

/** A service on a store with `count` participants. */
async function known({ count, tags, events }) {
  const store = await knownOnRedis(count, { tags });
  const participants = Math.min(count, MAX_ACTIVE);
  const apart = Math.floor(count / participants);
  if (events) await seed({ redisUrl: store.redis.url }, { participants, apart, tags: store.tags, events });
  const { port, pid, stop } = await startNode('dist/main.js', store.env);
  const plan = { participants, apart, tags: store.tags, life: 'moves', sent: 0 };
  return {
    store: { count, tags: store.tags, devices: 1 },
    plan,
    port,
    pids: { service: pid, redis: store.redis.pid },
    stop,
  };
}

/** A service on a new store whose participants have had several devices, one after another. */
async function reloading({ count, devices }) {
  const { port, pids, stop } = await ON_REDIS.start();
  const tags = tagCount(count);
  const plan = { participants: count, tags, devices, life: 'reloads', sent: 0 };
  return { store: { count, tags, devices }, plan, port, pids, stop };
}

/** Continues where the previous load ended, so that connected participants leave and others come back. */
async function send(variant, ms) {
  const { plan, port, pids } = variant;
  const result = await callbacks({ port, ms, pids, plan });
  plan.sent += result.requests;
  return result;
}

function row({ count, tags, devices }, runs, baseRuns) {
  return {
    participants: format(count),
    tags: format(tags),
    devices: format(devices),
    'callbacks/s': middle(runs.map(rate)),
    'service CPU µs': middle(
      runs.map(({ cpuUs }) => cpuUs.service),
      1,
    ),
    'Redis CPU µs': middle(
      runs.map(({ cpuUs }) => cpuUs.redis),
      1,
    ),
    'relative rate': middle(ratios(runs, baseRuns, rate), 2),
    'relative cost': middle(ratios(runs, baseRuns, cost), 2),
    'spread of cost': spread(ratios(runs, baseRuns, cost), 2),
    'p99 ms': middle(
      runs.map(({ p99Ms }) => p99Ms),
      1,
    ),
    failed: format(failuresOf(runs)),
  };
}
