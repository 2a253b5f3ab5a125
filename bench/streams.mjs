// npm run bench:streams: opens many change streams and measures the latency of changes, from the response to the callback to
// the arrival at each client. Needs redis-server on the PATH. All clients run in this process and compete with the service for
// the machine.
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { build, install } from '../scripts/prepare.mjs';
import { startNode, startRedis } from './processes.mjs';
import { usageOf } from './usage.mjs';

const STREAMS = Number(process.env.STREAMS ?? 1_000);
const CALLBACKS_PER_SECOND = Number(process.env.CALLBACKS ?? 100);
const SECONDS = Number(process.env.SECONDS ?? 15);
/** A connect causes a change of the device and one of the participant. */
const CHANGES_PER_CALLBACK = 2;
const MARK = '"type":"participant.connected","participantId":"';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function callback(port, participantId) {
  const body = JSON.stringify({
    event: 'onConnect',
    timestamp: Date.now(),
    participantId,
    deviceId: 'be199214-1a03-402a-a7b6-d002470a0465',
    tag: 'hello-world-phone',
  });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request({ port, method: 'POST', path: '/callbacks/bandwidth', agent, headers }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    sent.once('error', reject).end(body);
  });
}

/** Calls back for each connect received on the stream. Resolves when the stream has started. */
async function openStream(port, onArrival) {
  const socket = connect(port, '127.0.0.1');
  let rest = '';
  const begun = new Promise((resolve) => {
    socket.on('data', (chunk) => {
      rest += chunk.latin1Slice();
      if (rest.includes('event: position')) resolve();
      let from = 0;
      for (let at = rest.indexOf(MARK); at !== -1; at = rest.indexOf(MARK, from)) {
        const end = rest.indexOf('"', at + MARK.length);
        if (end === -1) break;
        onArrival(rest.slice(at + MARK.length, end));
        from = end;
      }
      rest = rest.slice(Math.max(from, rest.length - 1_024));
    });
  });
  socket.write('GET /v1/changes/stream HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await begun;
  return socket;
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
}

async function measure(redisUrl) {
  const service = await startNode('dist/main.js', { REDIS_URL: redisUrl, MAX_STREAMS: String(STREAMS) });
  for (let n = 0; n < 200; n += 1) await callback(service.port, `warm-${n}`);
  const restKb = usageOf(service.pid).rssKb;

  const answeredAt = new Map();
  const arrivals = [];
  const onArrival = (participantId) => arrivals.push([participantId, performance.now()]);
  const sockets = await Promise.all(Array.from({ length: STREAMS }, () => openStream(service.port, onArrival)));
  await wait(1_000);
  const idleKb = usageOf(service.pid).rssKb;

  const before = usageOf(service.pid).cpuS;
  const count = CALLBACKS_PER_SECOND * SECONDS;
  const startMs = performance.now();
  for (let n = 0; n < count; n += 1) {
    await wait(Math.max(0, startMs + (n * 1_000) / CALLBACKS_PER_SECOND - performance.now()));
    const participantId = `p-${n}`;
    void callback(service.port, participantId).then(() => answeredAt.set(participantId, performance.now()));
  }
  for (let n = 0; n < 200 && arrivals.length < count * STREAMS; n += 1) await wait(50);
  const { rssKb, cpuS } = usageOf(service.pid);
  const delays = arrivals.map(([participantId, atMs]) => Math.max(0, atMs - (answeredAt.get(participantId) ?? atMs)));
  delays.sort((a, b) => a - b);
  for (const socket of sockets) socket.destroy();
  await once(sockets[0], 'close');
  await service.stop();
  return {
    streams: STREAMS,
    'changes/s': CALLBACKS_PER_SECOND * CHANGES_PER_CALLBACK,
    'events received': arrivals.length * CHANGES_PER_CALLBACK,
    lost: count * STREAMS - arrivals.length,
    'p50 ms': percentile(delays, 0.5),
    'p99 ms': percentile(delays, 0.99),
    'max ms': percentile(delays, 1),
    'KiB a stream, idle': ((idleKb - restKb) / STREAMS).toFixed(1),
    'MiB grown in all, after': ((rssKb - restKb) / 1_024).toFixed(1),
    'CPU of the service': `${Math.round(((cpuS - before) / SECONDS) * 100)} %`,
  };
}

install();
build();
const redis = await startRedis();
console.table({
  Redis: await measure(`redis://127.0.0.1:${redis.port}`),
  SQLite: await measure(''),
});
await redis.stop();
