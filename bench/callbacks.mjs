// npm run bench: callbacks a second, in turns, of the floor, of what people write by hand, and of Rollcall on each
// store; then the time from the start to the first answer, memory at rest, and Redis memory for a participant.
// Needs wrk and redis-server on the PATH. On a noisy machine only the ratios mean something.
import { spawnSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { build, install } from '../scripts/prepare.mjs';
import { startNode, startRedis, usageOf } from './processes.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 5);
const PARTICIPANTS = Number(process.env.PARTICIPANTS ?? 100_000);

const CONTESTANTS = {
  'node:http, keeps nothing': () => startNode('bench/floor.mjs', {}),
  'Express + ioredis, by hand': (redis) => startNode('bench/naive.mjs', { REDIS_URL: redis }),
  'Rollcall on Redis': (redis) => startNode('dist/main.js', { REDIS_URL: redis }),
  'Rollcall on SQLite': () => startNode('dist/main.js', { REDIS_URL: '' }),
};

function load(port, seconds) {
  const args = ['-t1', '-c64', `-d${seconds}s`, '--latency', '-s', 'bench/callback.lua', `http://127.0.0.1:${port}`];
  const { stdout, error } = spawnSync('wrk', args, { encoding: 'utf8' });
  if (error) throw error;
  const figure = (pattern) => pattern.exec(stdout)?.[1] ?? '0';
  const refused = Number(figure(/Non-2xx or 3xx responses: (\d+)/));
  return { perSecond: Number(figure(/Requests\/sec:\s+([\d.]+)/)), p99: figure(/99%\s+(\S+)/), refused };
}

async function measure(start) {
  const redis = await startRedis();
  const service = await start(`redis://127.0.0.1:${redis.port}`);
  load(service.port, 2);
  const result = load(service.port, SECONDS);
  const { rssKb } = usageOf(service.pid);
  await service.stop();
  await redis.stop();
  return { ...result, rssMb: Math.round(rssKb / 1_024) };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function callbacks() {
  const results = Object.fromEntries(Object.keys(CONTESTANTS).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, start] of Object.entries(CONTESTANTS)) results[name].push(await measure(start));
  }
  const rate = (name) => median(results[name].map(({ perSecond }) => perSecond));
  const [floor, naive] = Object.keys(CONTESTANTS).map(rate);
  const rows = Object.entries(results).map(([name, rounds]) => ({
    contestant: name,
    'callbacks/s': Math.round(rate(name)),
    spread: `${Math.round(Math.min(...rounds.map((r) => r.perSecond)))}–${Math.round(Math.max(...rounds.map((r) => r.perSecond)))}`,
    'of the floor': (rate(name) / floor).toFixed(2),
    'of by hand': (rate(name) / naive).toFixed(2),
    p99: rounds.map(({ p99 }) => p99).join(' '),
    'MiB after': median(rounds.map(({ rssMb }) => rssMb)),
    refused: rounds.reduce((sum, { refused }) => sum + refused, 0),
  }));
  console.table(rows);
}

async function startAndRest() {
  const times = [];
  let rssKb = 0;
  for (let round = 0; round < 5; round += 1) {
    const before = performance.now();
    const service = await startNode('dist/main.js', { REDIS_URL: '' });
    const answer = await fetch(`http://127.0.0.1:${service.port}/health/ready`);
    if (!answer.ok) throw new Error(`not ready: ${answer.status}`);
    times.push(performance.now() - before);
    await wait(1_000);
    rssKb = usageOf(service.pid).rssKb;
    await service.stop();
  }
  console.log(`start (built) to the first answer, SQLite: median ${Math.round(median(times))} ms of 5`);
  console.log(`memory at rest: ${Math.round(rssKb / 1_024)} MiB`);
}

async function redisMemory() {
  const redis = await startRedis();
  const client = new Redis(redis.port);
  const service = await startNode('dist/main.js', { REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
  const before = await used();
  const url = `http://127.0.0.1:${service.port}/callbacks/bandwidth`;
  const headers = { 'content-type': 'application/json' };
  const id = (head, n) => `${head}-92f7-4d67-9e77-${String(n).padStart(12, '0')}`;
  let next = 0;
  const send = async () => {
    for (let n = next++; n < PARTICIPANTS; n = next++) {
      const body = {
        event: 'onConnect',
        timestamp: Date.now(),
        participantId: id('473f6544', n),
        deviceId: id('be199214', n),
      };
      const { status } = await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify({ ...body, tag: `tag-${n % 100}` }),
      });
      if (status !== 204) throw new Error(`answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 64 }, send));
  const all = (await used()) - before;
  const feed = await client.memory('USAGE', 'rollcall:{0}:changes', 'SAMPLES', 0);
  console.log(`Redis memory of a connected participant with a tag, of ${PARTICIPANTS}:`);
  console.log(
    `  ${Math.round((all - feed) / PARTICIPANTS)} bytes with all indexes, and ${Math.round(feed / 1e6)} MB of feed for all`,
  );
  client.disconnect();
  await service.stop();
  await redis.stop();
}

install();
build();
await startAndRest();
await redisMemory();
await callbacks();
