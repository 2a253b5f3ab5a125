// Webhooks: how many a second, how soon, what one endpoint that hangs costs the others, and what they cost when nothing happens or
// callbacks come in.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { DEVICE_ID } from '../participants.mjs';
import { startNode, startRedis } from '../processes.mjs';
import { failuresOf, inTurns, percentile, ratios } from '../rounds.mjs';
import { callbacksInSlices } from '../slices.mjs';
import { format, middle, spread } from '../table.mjs';
import { usageOf } from '../usage.mjs';
import { startReceiver } from '../webhook-receiver.mjs';

const ENV = { WEBHOOK_ALLOW_HTTP: 'on', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1' };
const TYPES = ['participant.connected'];
const SETTLE_MS = 2_000;
/** So many callbacks are sent at the same time while a backlog is made. */
const SENDERS = 64;

export async function webhooks({ rounds, slices, backlog, perSecond, count, endpoints, idleMs }) {
  const rates = await inTurns(rounds, { 1: 1, 100: 100 }, (batch) => rateOf(batch, backlog));
  const lags = await inTurns(rounds, { alone: false, hanging: true }, (isHanging) =>
    lagsOf(isHanging, perSecond, count),
  );
  const idle = [];
  for (const number of [0, endpoints]) idle.push(await idleCostOf(number, idleMs));
  const costs = await ingestCosts(slices);
  const cpu = ({ cpuUs }) => cpuUs;
  const p99 = ({ p99Ms }) => p99Ms;
  return {
    title: 'Webhooks',
    tables: [
      { text: RATES, rows: Object.entries(rates).map(([batch, runs]) => rateRow(batch, runs)) },
      { text: lagText(perSecond), rows: Object.entries(lags).map(([name, runs]) => lagRow(name, runs, lags.alone)) },
      { text: IDLE, rows: idle },
      { text: COSTS, rows: Object.entries(costs).map(([name, runs]) => costRow(name, runs, costs.none)) },
    ],
    samples: {
      webhooksBesideHanging: ratios(lags.hanging, lags.alone, p99),
      webhooksForIngest: ratios(costs.unwanted, costs.none, cpu),
    },
    failed: failuresOf(Object.values(costs).flat()),
  };
}

const RATES = `An endpoint on loopback that has missed changes of as many participants as there are, on Redis: how fast it gets them once it is
enabled. The receiver is the benchmark itself, on the same machine.`;

const lagText = (
  perSecond,
) => `From the answer to a callback until the receiver has the webhook, in milliseconds, with ${perSecond} callbacks a
second. Hanging: besides, another endpoint wants all changes, takes requests and does not answer.`;

const IDLE = `A service with that many endpoints, and no callbacks.`;

const COSTS = `The usual callbacks at the maximum rate, on Redis, in short slices in turns. CPU time is that of the service per callback.
Unwanted: one endpoint whose filter matches nothing, so that the feed is read for it; all of them: one endpoint that is sent each change,
100 in a request. Another process can deliver: then those that receive callbacks spend nothing on it.`;

/** Resolves with a service on Redis and what the part needs of it. */
async function start() {
  const redis = await startRedis();
  const service = await startNode('dist/main.js', { REDIS_URL: redis.url, ...ENV });
  const call = async (method, path, body) => {
    const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${service.port}${path}`, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  const create = (settings) => call('POST', '/v1/webhooks/endpoints', { types: TYPES, ...settings });
  const connect = (n) =>
    call('POST', '/callbacks/bandwidth', {
      ...{ event: 'onConnect', timestamp: String(Date.now()), deviceId: DEVICE_ID },
      participantId: idOf(n),
    });
  const stop = async () => {
    await service.stop();
    await redis.stop();
  };
  return { ...service, redis, call, create, connect, stop };
}

function idOf(n) {
  return `webhook-${n}`;
}

async function until(isDone) {
  while (!isDone()) await wait(10);
}

async function rateOf(batch, backlog) {
  const [service, receiver] = [await start(), await startReceiver()];
  const { id } = await service.create({ url: receiver.url, batch, enabled: false });
  let next = 0;
  const send = async () => {
    while (next < backlog) await service.connect(next++);
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  await service.call('PATCH', `/v1/webhooks/endpoints/${id}`, { enabled: true });
  const { received } = receiver;
  await until(() => received.changes >= backlog);
  await service.stop();
  receiver.stop();
  const seconds = (received.lastMs - received.firstMs) / 1_000;
  return { perSecond: received.changes / seconds, changesEach: received.changes / received.requests };
}

function rateRow(batch, runs) {
  return {
    batch: format(Number(batch)),
    'changes/s': middle(runs.map(({ perSecond }) => perSecond)),
    spread: spread(runs.map(({ perSecond }) => perSecond)),
    'changes per request': middle(
      runs.map(({ changesEach }) => changesEach),
      1,
    ),
  };
}

async function lagsOf(isHanging, perSecond, count) {
  const [service, receiver, other] = [await start(), await startReceiver(), await startReceiver({ isHanging: true })];
  await service.create({ url: receiver.url });
  if (isHanging) await service.create({ url: other.url });
  await wait(SETTLE_MS);
  const answers = new Map();
  const pending = [];
  const beganMs = performance.now();
  for (let n = 0; n < count; n += 1) {
    const dueMs = beganMs + (n * 1_000) / perSecond - performance.now();
    if (dueMs > 0) await wait(dueMs);
    pending.push(service.connect(n).then(() => answers.set(idOf(n), performance.now())));
  }
  await Promise.all(pending);
  await until(() => receiver.arrivals.size >= count);
  await service.stop();
  for (const one of [receiver, other]) one.stop();
  const lags = [...answers].map(([id, answeredMs]) => receiver.arrivals.get(id) - answeredMs);
  const sorted = lags.toSorted((a, b) => a - b);
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

function lagRow(name, runs, alone) {
  return {
    '': name,
    'p50 ms': middle(
      runs.map(({ p50Ms }) => p50Ms),
      1,
    ),
    'p99 ms': middle(
      runs.map(({ p99Ms }) => p99Ms),
      1,
    ),
    'ratio of p99': middle(
      ratios(runs, alone, ({ p99Ms }) => p99Ms),
      2,
    ),
  };
}

async function idleCostOf(number, ms) {
  const [service, receiver] = [await start(), await startReceiver()];
  for (let n = 0; n < number; n += 1) await service.create({ url: receiver.url, tag: `tag-${n}` });
  // Progress is stored every 10 s, if there is any.
  await wait(SETTLE_MS * 2);
  const client = new Redis(service.redis.url);
  const commands = async () =>
    Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1] ?? Number.NaN);
  const before = { commands: await commands(), cpuS: usageOf(service.pid).cpuS };
  await wait(ms);
  const used = { commands: (await commands()) - before.commands, cpuS: usageOf(service.pid).cpuS - before.cpuS };
  const { rssKb } = usageOf(service.pid);
  client.disconnect();
  await service.stop();
  receiver.stop();
  return {
    endpoints: format(number),
    'memory MB': format(rssKb / 1_024),
    'Redis commands/s': format(used.commands / (ms / 1_000), 1),
    'CPU %': format((100 * used.cpuS) / (ms / 1_000), 1),
  };
}

const INGEST = {
  none: undefined,
  unwanted: { tag: 'nobody has this tag' },
  'all of them': { batch: 100, types: undefined },
};

async function ingestCosts(slices) {
  const started = {};
  for (const [name, settings] of Object.entries(INGEST)) {
    const [service, receiver] = [await start(), await startReceiver()];
    if (settings) await service.create({ url: receiver.url, ...settings });
    started[name] = { service, receiver };
  }
  const services = Object.fromEntries(Object.entries(started).map(([name, { service }]) => [name, service]));
  const results = await callbacksInSlices(services, slices);
  for (const { service, receiver } of Object.values(started)) {
    await service.stop();
    receiver.stop();
  }
  return results;
}

function costRow(name, runs, none) {
  const cpu = ({ cpuUs }) => cpuUs;
  return {
    endpoint: name,
    'callbacks/s': middle(runs.map(({ perSecond }) => perSecond)),
    'CPU µs': middle(runs.map(cpu), 1),
    ratio: middle(ratios(runs, none, cpu), 2),
    spread: spread(ratios(runs, none, cpu), 2),
  };
}
