// A separate process that sends callbacks at a constant rate, whether or not the responses keep up, as a provider does. wrk
// cannot: it waits for a response before the next request, so that a stalled service gets less load and looks good (coordinated
// omission). Latency is measured from the scheduled time, including any wait for a free connection. Node's timers limit the
// resolution of the rate to a millisecond.
import { once } from 'node:events';
import { connect } from 'node:net';
import { callbackRequest } from './participants.mjs';
import { percentile } from './rounds.mjs';

const { port, warmUp, perSecond, count, connections, participants, firstTurn } = JSON.parse(process.argv[2]);
const answers = new Map();
const free = [];
/** The current phase: callbacks `begin` to `end` at a constant rate; `begin` is due at `startMs`. */
let phase = { perSecond, begin: 0, end: 0, startMs: 0, done: () => {} };
let due = 0;
let sent = 0;
let answered = 0;

function intendedMs(n) {
  return phase.startMs + ((n - phase.begin) * 1_000) / phase.perSecond;
}

/** A connection that sends callbacks one at a time, each when it is due and the previous one is answered. */
async function openConnection() {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const connection = { socket, n: 0, sentMs: 0, text: '' };
  socket.on('data', (chunk) => read(connection, chunk.latin1Slice()));
  socket.on('close', () => fail('a connection was closed'));
  socket.on('error', ({ message }) => fail(message));
  await once(socket, 'connect');
  free.push(connection);
}

function read(connection, text) {
  connection.text += text;
  const end = connection.text.indexOf('\r\n\r\n');
  if (end === -1) return;
  const head = connection.text.slice(0, end);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  if (connection.text.length < end + 4 + length) return;
  connection.text = '';
  finish(connection, Number(head.slice(9, 12)));
}

function finish(connection, status) {
  const nowMs = performance.now();
  const { fromIntended, fromSent } = answers.get(status) ?? { fromIntended: [], fromSent: [] };
  fromIntended.push(nowMs - intendedMs(connection.n));
  fromSent.push(nowMs - connection.sentMs);
  answers.set(status, { fromIntended, fromSent });
  answered += 1;
  free.push(connection);
  if (answered === phase.end) phase.done();
  else dispatch();
}

function dispatch() {
  while (sent < due && free.length > 0) {
    // The connection that was idle longest: servers close idle connections.
    const connection = free.shift();
    connection.n = sent;
    connection.sentMs = performance.now();
    connection.socket.write(callbackRequest(sent, { participants, firstTurn }));
    sent += 1;
  }
}

function tick() {
  const { begin, end, startMs } = phase;
  due = Math.min(end, begin + Math.floor(((performance.now() - startMs) * phase.perSecond) / 1_000) + 1);
  dispatch();
  if (due < end) setTimeout(tick, 1);
}

/** Sends the next `count` callbacks. Resolves when all of them are answered. */
async function send(count, perSecond) {
  answers.clear();
  await new Promise((done) => {
    phase = { perSecond, begin: sent, end: sent + count, startMs: performance.now(), done };
    tick();
  });
}

function report() {
  const elapsedMs = performance.now() - phase.startMs;
  const byStatus = [...answers].map(([status, { fromIntended, fromSent }]) => [
    status,
    { count: fromSent.length, fromIntended: distribution(fromIntended), fromSent: distribution(fromSent) },
  ]);
  process.stdout.write(JSON.stringify({ elapsedMs, byStatus: Object.fromEntries(byStatus) }), () => process.exit(0));
}

function distribution(latenciesMs) {
  const sorted = latenciesMs.sort((a, b) => a - b);
  const at = (share) => percentile(sorted, share);
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
}

function fail(reason) {
  console.error(`pacer: ${reason} after ${answered} answers`);
  process.exit(1);
}

await Promise.all(Array.from({ length: connections }, openConnection));
// Warms up first: a process that has just started cannot keep up and would measure its own delay.
await send(warmUp.count, warmUp.perSecond);
await send(count, perSecond);
report();
