// The store alone: events through the recorder, without HTTP, compared with a plain SET of the same size.
import { Redis } from 'ioredis';
import { participantId } from '../participants.mjs';
import { makeFolder, outputOf, startRedis } from '../processes.mjs';
import { sets } from '../redis-benchmark.mjs';
import { inTurns, median, ratios } from '../rounds.mjs';
import { middle, spread } from '../table.mjs';

/** As in the recorder: the size of a batch, and two batches in flight. */
const BATCH = 128;
const BATCHES = 2;
const rate = ({ perSecond }) => perSecond;

export async function store({ rounds, warmMs, ms, setCount }) {
  let bytes = 0;
  const variants = {
    redis: async () => {
      const result = await eventsOnRedis(warmMs, ms);
      bytes = result.recordBytes;
      return result;
    },
    set: () => setsOnRedis(bytes, setCount),
    sqlite: () => events({ place: { dataDir: makeFolder() }, warmMs, ms }),
  };
  const results = await inTurns(rounds, variants, (measure) => measure());
  return {
    title: 'The store alone',
    tables: [{ text: text(bytes), rows: Object.entries(results).map(([key, runs]) => row(key, runs, results.set)) }],
    samples: {},
    failed: 0,
  };
}

function text(bytes) {
  return `Events of 10,000 participants through the recorder, from a process without HTTP: load, fold and commit, with indexes and
announced changes. Compared with \`redis-benchmark\`: one SET of the size of such a record (${bytes} bytes) for each event.
Both in batches of ${BATCH}, with ${BATCHES} batches in flight.`;
}

const NAMES = { redis: 'events on Redis', set: 'SET by redis-benchmark', sqlite: 'events on SQLite' };

function row(key, runs, setRuns) {
  const cpu = (member) =>
    runs[0][member] === undefined
      ? '–'
      : middle(
          runs.map((run) => run[member]),
          1,
        );
  return {
    '': NAMES[key],
    'per second': middle(runs.map(rate)),
    spread: spread(runs.map(rate)),
    'ratio to SET': middle(ratios(runs, setRuns, rate), 3),
    'process CPU µs': cpu('cpuUs'),
    'Redis CPU µs': cpu('redisUs'),
  };
}

async function eventsOnRedis(warmMs, ms) {
  const redis = await startRedis();
  const client = new Redis(redis.port);
  const result = await events({ place: { redisUrl: redis.url }, redisPid: redis.pid, warmMs, ms });
  const sizes = await Promise.all([1, 2, 3, 4, 5].map((n) => client.strlen(`rollcall:{0}:p:${participantId(n)}`)));
  client.disconnect();
  await redis.stop();
  return { ...result, recordBytes: median(sizes) };
}

async function setsOnRedis(bytes, count) {
  const redis = await startRedis();
  const result = await sets({ redis, bytes, pipeline: BATCH, connections: BATCHES, count });
  await redis.stop();
  return result;
}

async function events(plan) {
  const args = ['bench/recorder-load.mjs', JSON.stringify({ atOnce: BATCH * BATCHES, ...plan })];
  return JSON.parse(await outputOf(process.execPath, args));
}
