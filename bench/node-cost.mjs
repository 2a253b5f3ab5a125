// What a callback costs with several services on one Redis, if the callbacks of each participant are spread over all of them.
import { startNode, startRedis } from './processes.mjs';
import { failuresOf, inTurns, ratios } from './rounds.mjs';
import { format, middle } from './table.mjs';
import { callbacks } from './wrk.mjs';

const NODES = [1, 2, 4];
/** Odd numbers, so that the callbacks of a participant go to the nodes in turn. */
const PARTICIPANTS = [1_999, 99];
const CONNECTIONS = 64;
/** With many participants, shorter than the time from a disconnect to the next connect: the deadline is processed in between. */
const GRACE_MS = 200;

/** Resolves with the rows of the table, and the number of requests that failed. */
export async function nodeCost({ rounds, warmMs, ms }) {
  const variants = {};
  for (const participants of PARTICIPANTS) {
    for (const count of NODES) variants[`${participants} ${count}`] = await start(count, participants);
  }
  for (const variant of Object.values(variants)) await send(variant, warmMs);
  const results = await inTurns(rounds, variants, (variant) => measure(variant, ms));
  for (const { stop } of Object.values(variants)) await stop();
  const rows = Object.entries(variants).map(([key, variant]) =>
    row(variant, results[key], results[`${variant.participants} ${NODES[0]}`]),
  );
  return { rows, failed: failuresOf(Object.values(results).flat()) };
}

async function start(count, participants) {
  const redis = await startRedis();
  const nodes = [];
  for (let n = 0; n < count; n += 1) {
    nodes.push(await startNode('dist/main.js', { REDIS_URL: redis.url, GRACE_MS: String(GRACE_MS) }));
  }
  return {
    ...{ count, participants, redis, nodes, sent: nodes.map(() => 0) },
    stop: async () => {
      for (const { stop } of [...nodes, redis]) await stop();
    },
  };
}

/** Each node has a wrk of its own. */
function send({ nodes, participants, redis, sent }, ms) {
  return Promise.all(
    nodes.map(async ({ port, pid }, sender) => {
      const plan = { participants, senders: nodes.length, sender, sent: sent[sender] };
      const pids = { service: pid, redis: redis.pid };
      const result = await callbacks({ port, ms, plan, pids, connections: CONNECTIONS / nodes.length });
      sent[sender] += result.requests;
      return result;
    }),
  );
}

async function measure(variant, ms) {
  const before = await totalsOf(variant);
  const loads = await send(variant, ms);
  const after = await totalsOf(variant);
  const requests = loads.reduce((sum, load) => sum + load.requests, 0);
  const each = Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] - before[name]) / requests]));
  const share = (member) => loads.reduce((sum, load) => sum + member(load) * load.requests, 0) / requests;
  // Each load has measured the CPU time of Redis for the callbacks of all loads.
  return {
    perSecond: loads.reduce((sum, { perSecond }) => sum + perSecond, 0),
    cost: share(({ cpuUs }) => cpuUs.service) + share(({ cpuUs }) => cpuUs.redis) / loads.length,
    each,
    failed: failuresOf(loads),
  };
}

const COUNTERS = {
  roundTrips: 'rollcall_store_round_trips_total',
  commands: 'rollcall_store_commands_total',
  deadlines: 'rollcall_deadline_lag_seconds_count',
  commits: 'rollcall_commits_total',
  conflicts: 'rollcall_commit_conflicts_total',
};

/** The counters of all nodes together. */
async function totalsOf({ nodes }) {
  const texts = await Promise.all(
    nodes.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  );
  const total = (name) =>
    texts.reduce((sum, text) => sum + Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]), 0);
  return Object.fromEntries(Object.entries(COUNTERS).map(([key, name]) => [key, total(name)]));
}

function row({ count, participants }, runs, oneRuns) {
  const each = (counter, digits = 2) =>
    middle(
      runs.map((run) => run.each[counter]),
      digits,
    );
  const cost = (run) => run.cost;
  return {
    participants: format(participants),
    nodes: format(count),
    'callbacks/s': middle(runs.map(({ perSecond }) => perSecond)),
    'per CPU second': middle(runs.map((run) => 1e6 / run.cost)),
    'relative cost': middle(ratios(runs, oneRuns, cost), 2),
    'round trips': each('roundTrips', 3),
    commands: each('commands', 3),
    commits: each('commits'),
    deadlines: each('deadlines'),
    conflicts: each('conflicts', 4),
    failed: format(failuresOf(runs)),
  };
}
