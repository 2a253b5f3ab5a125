// What a callback and a read cost on one Redis server, and on a Redis Cluster of three primaries.
import { measure as read } from './parts/reads.mjs';
import { startNode, startRedis, startRedisCluster } from './processes.mjs';
import { failuresOf, inTurns, ratios } from './rounds.mjs';
import { format, middle } from './table.mjs';
import { callbacks } from './wrk.mjs';

const PARTICIPANTS = 10_000;
const SHARDS = 16;
const STORES = {
  one: { name: 'one server', servers: 1, shards: 1 },
  sharded: { name: 'one server', servers: 1, shards: SHARDS },
  cluster: { name: 'Cluster of 3 primaries', servers: 3, shards: SHARDS },
};
const LOADS = {
  callbacks: { name: 'callbacks' },
  one: { name: 'GET one participant', read: 'one', connections: 64 },
  lookup100: { name: 'lookup of 100', read: 'lookup100', connections: 16 },
  list: { name: 'first page of 100', read: 'list', connections: 16 },
};

/** Resolves with the rows of the table, and the number of requests that failed. */
export async function clusterCost({ rounds, warmMs, ms }) {
  const stacks = {};
  for (const [key, store] of Object.entries(STORES)) {
    stacks[key] = await start(store);
    await send(stacks[key], LOADS.callbacks, warmMs);
  }
  const variants = {};
  for (const [loadKey, load] of Object.entries(LOADS)) {
    for (const [key, stack] of Object.entries(stacks)) variants[`${loadKey} ${key}`] = { stack, load, loadKey };
  }
  const results = await inTurns(rounds, variants, ({ stack, load }) => send(stack, load, ms));
  for (const { stop } of Object.values(stacks)) await stop();
  const rows = Object.entries(variants).map(([key, variant]) =>
    row(variant, results[key], results[`${variant.loadKey} one`]),
  );
  return { rows, failed: failuresOf(Object.values(results).flat()) };
}

async function start({ name, servers, shards }) {
  const redis = servers > 1 ? await startRedisCluster(servers) : await startRedis();
  const service = await startNode('dist/main.js', { REDIS_URL: redis.url, REDIS_SHARDS: String(shards) });
  const pids = Object.fromEntries((redis.pids ?? [redis.pid]).map((pid, n) => [`redis${n}`, pid]));
  return {
    ...{ name, shards, port: service.port, sent: 0, pids: { service: service.pid, ...pids } },
    stop: async () => {
      await service.stop();
      await redis.stop();
    },
  };
}

async function send(stack, { read: kind, connections }, ms) {
  if (kind) return read({ read: kind, known: PARTICIPANTS, connections, service: stack }, ms);
  const result = await callbacks({ ...stack, ms, plan: { participants: PARTICIPANTS, sent: stack.sent } });
  stack.sent += result.requests;
  return result;
}

const redisOf = ({ cpuUs: { service: _, ...redis } }) => Object.values(redis).reduce((sum, us) => sum + us, 0);
const costOf = (run) => run.cpuUs.service + redisOf(run);

function row({ stack, load }, runs, oneRuns) {
  return {
    '': load.name,
    Redis: stack.name,
    shards: format(stack.shards),
    'responses/s': middle(runs.map(({ perSecond }) => perSecond)),
    'per CPU second': middle(runs.map((run) => 1e6 / costOf(run))),
    'service CPU µs': middle(
      runs.map(({ cpuUs }) => cpuUs.service),
      1,
    ),
    'Redis CPU µs': middle(runs.map(redisOf), 1),
    'relative cost': middle(ratios(runs, oneRuns, costOf), 2),
    'p99 ms': middle(
      runs.map(({ p99Ms }) => p99Ms),
      1,
    ),
    failed: format(failuresOf(runs)),
  };
}
