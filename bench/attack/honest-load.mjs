// A separate process that sends valid callbacks at a constant rate, whether or not the responses keep up, as a provider does.
// Prints a line for each: its number, the milliseconds from its scheduled time until it was sent and until it was answered, the
// status (0: no response), and whether it used a new connection.
import { once } from 'node:events';
import { Agent, get, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { DEVICE_ID, participantId, tagOf } from '../participants.mjs';

const PARTICIPANTS = 200;
const LIFE = ['onConnect', 'onDisconnect', 'onConnect', 'onLeave'];
const TIME_LIMIT_MS = 10_000;
/** The other callbacks use connections that stay open. */
const OPEN_CONNECTIONS = 16;
const NEW_CONNECTION_EVERY = 10;

const { port, path, perSecond, startMs } = JSON.parse(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: OPEN_CONNECTIONS, scheduling: 'fifo' });

function bodyOf(n) {
  return JSON.stringify({
    event: LIFE[Math.floor(n / PARTICIPANTS) % LIFE.length],
    timestamp: String(Date.now()),
    participantId: participantId(n % PARTICIPANTS),
    deviceId: DEVICE_ID,
    tag: tagOf(n, 20),
  });
}

function send(n, dueMs) {
  const sentMs = Date.now();
  const body = bodyOf(n);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const isNew = n % NEW_CONNECTION_EVERY === 0;
  const options = { host: '127.0.0.1', port, path, method: 'POST', headers, agent: isNew ? false : agent };
  const finish = (status) => console.log(JSON.stringify([n, sentMs - dueMs, Date.now() - dueMs, status, isNew]));
  const sent = request({ ...options, signal: AbortSignal.timeout(TIME_LIMIT_MS) }, (response) => {
    response.resume().once('close', () => finish(response.complete ? response.statusCode : 0));
  });
  sent.once('error', () => sent.res ?? finish(0));
  sent.end(body);
}

/** Opens all connections before an attack can use up the connection limit. */
async function openConnections() {
  const opened = Array.from({ length: OPEN_CONNECTIONS }, async () => {
    const [response] = await once(get({ host: '127.0.0.1', port, path: '/health/live', agent }), 'response');
    await once(response.resume(), 'end');
  });
  await Promise.all(opened);
}

await openConnections();
for (let n = 0; ; n += 1) {
  const dueMs = startMs + (n * 1_000) / perSecond;
  await wait(Math.max(0, dueMs - Date.now()));
  send(n, dueMs);
}
