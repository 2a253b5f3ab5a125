// Whether two processes on one Redis handle more than one does, and an estimate for more cores.
import { startNode, startRedis } from '../processes.mjs';
import { failuresOf, inTurns, median, ratios } from '../rounds.mjs';
import { format, middle, spread } from '../table.mjs';
import { callbacks } from '../wrk.mjs';

const COUNTS = { one: 1, two: 2 };
/** Each process gets its own participants, as from a proxy that routes by participant. */
const PARTICIPANTS = 10_000;
const CORES = [2, 4, 8, 16];
const rate = ({ perSecond }) => perSecond;

export async function processes({ rounds, warmMs, ms }) {
  const results = await inTurns(rounds, COUNTS, (count) => measure(count, warmMs, ms));
  const { serviceUs, redisUs } = costOf(results.one);
  return {
    title: 'More than one process',
    tables: [
      { text: TEXT, rows: Object.entries(results).map(([key, runs]) => row(COUNTS[key], runs, results.one)) },
      { text: arithmetic(serviceUs, redisUs), rows: CORES.map((cores) => prediction(cores, serviceUs, redisUs)) },
    ],
    samples: {},
    failed: failuresOf(Object.values(results).flat()),
  };
}

const TEXT = `One and two service processes on one Redis, each loaded by its own wrk over 64 connections. Redis and wrk run on the same
machine: if the total equals the number of cores, the machine is the bottleneck.`;

function arithmetic(serviceUs, redisUs) {
  return `An estimate from the CPU time of a callback with one process (${format(serviceUs, 1)} µs of the service, ${format(redisUs, 1)} µs of Redis), if the
load comes from another machine: one core for Redis, which handles up to 1,000,000 / ${format(redisUs, 1)} callbacks a second, and a process
on each other core, which handles 1,000,000 / ${format(serviceUs, 1)}; with two cores, each process has one. This is arithmetic, not a
measurement: it ignores the CPU time of the kernel and the network that is not attributed to a process, and that batches grow with
the load, which makes each callback cheaper.`;
}

async function measure(count, warmMs, ms) {
  const redis = await startRedis();
  const services = [];
  for (let n = 0; n < count; n += 1) services.push(await startNode('dist/main.js', { REDIS_URL: redis.url }));
  const loadAll = (forMs, sent) =>
    Promise.all(
      services.map(({ port, pid }, n) => {
        const plan = { participants: PARTICIPANTS, first: n * PARTICIPANTS, sent: sent[n] };
        return callbacks({ port, ms: forMs, plan, pids: { service: pid, redis: redis.pid } });
      }),
    );
  const warm = await loadAll(warmMs, [0, 0]);
  const loads = await loadAll(
    ms,
    warm.map(({ requests }) => requests),
  );
  for (const { stop } of services) await stop();
  await redis.stop();
  return together(loads, failuresOf(warm));
}

/** Each load has measured the CPU time of Redis for the callbacks of all loads. */
function together(loads, failedBefore) {
  const perSecond = loads.reduce((sum, load) => sum + load.perSecond, 0);
  const share = (member) => loads.reduce((sum, load) => sum + (member(load) * load.perSecond) / perSecond, 0);
  return {
    perSecond,
    p99Ms: Math.max(...loads.map(({ p99Ms }) => p99Ms)),
    serviceUs: share(({ cpuUs }) => cpuUs.service),
    redisUs: share(({ cpuUs }) => cpuUs.redis) / loads.length,
    loadUs: share(({ loadCpuUs }) => loadCpuUs),
    failed: failuresOf(loads) + failedBefore,
  };
}

function row(count, runs, oneRuns) {
  const of = (member) => runs.map((run) => run[member]);
  const cores = runs.map((run) => ((run.serviceUs + run.redisUs + run.loadUs) * run.perSecond) / 1e6);
  return {
    processes: format(count),
    'callbacks/s': middle(of('perSecond')),
    spread: spread(of('perSecond')),
    'ratio to one process': middle(ratios(runs, oneRuns, rate), 2),
    'p99 ms': middle(of('p99Ms'), 1),
    'service CPU µs': middle(of('serviceUs'), 1),
    'Redis CPU µs': middle(of('redisUs'), 1),
    'wrk CPU µs': middle(of('loadUs'), 1),
    'cores in use': middle(cores, 2),
    failed: format(failuresOf(runs)),
  };
}

function costOf(runs) {
  const middleOf = (member) => median(runs.map((run) => run[member]));
  return { serviceUs: middleOf('serviceUs'), redisUs: middleOf('redisUs') };
}

function prediction(cores, serviceUs, redisUs) {
  const services = cores - 1;
  const byServices = (services * 1e6) / serviceUs;
  const byRedis = 1e6 / redisUs;
  return {
    cores: format(cores),
    'service processes': format(services),
    'callbacks/s': format(Math.min(byServices, byRedis)),
    'limited by': byServices < byRedis ? 'the service' : 'Redis',
  };
}
