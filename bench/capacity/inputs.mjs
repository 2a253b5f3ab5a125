// Measures what one callback, read and deadline need, on loopback with one process and one Redis.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { knownOnRedis } from '../known.mjs';
import { callbackRequest, participantId } from '../participants.mjs';
import { startNode, startRedis } from '../processes.mjs';
import { usageOf } from '../usage.mjs';
import { callbacks, load } from '../wrk.mjs';

/** Those of a Redis Cluster: they make batches smaller, and so each callback dearer. */
const SHARDS = 16;
const IDLE_MS = 3_000;
/** More than the default of GRACE_MS. */
const GRACE_MS = 16_000;

export async function measureInputs({ count, warmMs, ms }) {
  const [connected, gone] = [await knownOnRedis(count), await knownOnRedis(count, { end: 'left' })];
  const { idle, follow, failed, ...ofCallbacks } = await measureCallbacks(warmMs, ms);
  const read = await measureReads(connected, warmMs, ms);
  return {
    bytes: {
      connected: connected.bytes.participants / count,
      gone: gone.bytes.participants / count,
      feedOfEvent: connected.bytes.feedOfEvent,
      overhead: await memoryOverhead(connected.redis),
    },
    callback: ofCallbacks.callback,
    single: ofCallbacks.single,
    read: read.cost,
    deadline: await measureDeadlines(count),
    http: { callback: ofCallbacks.httpBytes, read: read.httpBytes },
    followUs: follow,
    idleCommands: idle,
    failed: failed + read.failed,
  };
}

/** Also what a process without requests sends, per second and shard, and what a process needs that only follows the feed. */
async function measureCallbacks(warmMs, ms) {
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, REDIS_SHARDS: String(SHARDS) };
  const service = await startNode('dist/main.js', env);
  const counters = new Redis(redis.port);
  const pids = { service: service.pid, redis: redis.pid };
  const idle = await idleCommands(counters); // before there are participants, whose deadlines would count
  const warm = await callbacks({ port: service.port, ms: warmMs });
  const before = await countersOf(counters);
  const loaded = await callbacks({ port: service.port, ms, pids, plan: { sent: warm.requests } });
  const between = await countersOf(counters);
  const callback = costOf(loaded, before, between);
  // One at a time, so that none shares a commit with others.
  const plan = { sent: warm.requests + loaded.requests };
  const alone = await callbacks({ port: service.port, ms, pids, plan, connections: 1 });
  const single = costOf(alone, between, await countersOf(counters));
  const sent = plan.sent + alone.requests;
  const follow = await measureFollower(env, service.port, ms, sent);
  const httpBytes = await exchange(service.port, callbackRequest(0, { participants: 1, firstTurn: 0 }));
  counters.disconnect();
  await service.stop();
  await redis.stop();
  return {
    callback,
    single,
    idle: idle / SHARDS,
    follow: follow.us,
    httpBytes,
    failed: warm.failed + loaded.failed + alone.failed + follow.failed,
  };
}

/** The CPU time per callback, in microseconds, of a process that streams all changes to one client and does nothing else. */
async function measureFollower(env, port, ms, sent) {
  const follower = await startNode('dist/main.js', env);
  const socket = connect(follower.port, '127.0.0.1');
  let received = 0;
  socket.on('data', ({ length }) => {
    received += length;
  });
  socket.write('GET /v1/changes/stream HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'data');
  const before = usageOf(follower.pid).cpuS;
  const { requests, failed } = await callbacks({ port, ms, plan: { sent } });
  for (let last = -1; received !== last; await wait(500)) last = received;
  const us = ((usageOf(follower.pid).cpuS - before) * 1e6) / requests;
  socket.destroy();
  await follower.stop();
  return { us, failed };
}

async function measureReads({ count, env, redis }, warmMs, ms) {
  const service = await startNode('dist/main.js', env);
  const counters = new Redis(redis.port);
  const settings = { port: service.port, script: 'read', plan: { read: 'one', known: count } };
  const warm = await load({ ...settings, ms: warmMs });
  const before = await countersOf(counters);
  const loaded = await load({ ...settings, ms, pids: { service: service.pid, redis: redis.pid } });
  const cost = costOf(loaded, before, await countersOf(counters));
  const request = `GET /v1/participants/${participantId(1)} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
  const httpBytes = await exchange(service.port, request);
  counters.disconnect();
  await service.stop();
  return { cost, httpBytes, failed: warm.failed + loaded.failed };
}

/** A service starts on participants whose grace has passed. Its CPU time without any of them is subtracted. */
async function measureDeadlines(count) {
  const { env, redis } = await knownOnRedis(count, { end: 'disconnected' });
  await wait(GRACE_MS);
  const empty = await startRedis();
  const idle = await untilSettled({ REDIS_URL: empty.url }, empty.pid);
  const busy = await untilSettled(env, redis.pid);
  await empty.stop();
  const each = (member) => ((busy[member] - idle[member]) * 1e6) / count;
  return { serviceUs: each('serviceS'), redisUs: each('redisS') };
}

async function untilSettled(env, redisPid) {
  const redisBefore = usageOf(redisPid).cpuS;
  const service = await startNode('dist/main.js', env);
  const isSettled = async () => {
    const response = await fetch(`http://127.0.0.1:${service.port}/v1/occupancy`);
    return response.ok && (await response.json()).reconnecting === 0;
  };
  while (!(await isSettled().catch(() => false))) await wait(100);
  const used = { serviceS: usageOf(service.pid).cpuS, redisS: usageOf(redisPid).cpuS - redisBefore };
  await service.stop();
  return used;
}

/** Resident memory in relation to what Redis counts as used. */
async function memoryOverhead({ port }) {
  const client = new Redis(port);
  const info = await client.info('memory');
  client.disconnect();
  return Math.max(1, field(info, 'used_memory_rss') / field(info, 'used_memory'));
}

async function idleCommands(client) {
  const before = await countersOf(client);
  await wait(IDLE_MS);
  return ((await countersOf(client)).commands - before.commands) / (IDLE_MS / 1_000);
}

async function countersOf(client) {
  const info = await client.info();
  return {
    commands: field(info, 'total_commands_processed'),
    redisIn: field(info, 'total_net_input_bytes'),
    redisOut: field(info, 'total_net_output_bytes'),
    file: field(info, 'aof_current_size'),
  };
}

function field(info, name) {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
}

/** Of one request. `commands` includes those that scripts call. */
function costOf({ cpuUs, requests }, before, after) {
  const grown = Object.keys(before).map((name) => [name, (after[name] - before[name]) / requests]);
  return { serviceUs: cpuUs.service, redisUs: cpuUs.redis, ...Object.fromEntries(grown) };
}

/** The bytes of a request and of its response, in TCP. */
async function exchange(port, request) {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  const [response] = await once(socket, 'data');
  socket.destroy();
  return request.length + response.length;
}
