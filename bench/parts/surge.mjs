// A region reconnects: very many callbacks at once, and then more than the service can handle.
import { setInterval as every } from 'node:timers/promises';
import { ON_REDIS, ON_SQLITE } from '../implementations.mjs';
import { pace, refusedOf } from '../pace.mjs';
import { format } from '../table.mjs';
import { usageOf } from '../usage.mjs';
import { callbacks } from '../wrk.mjs';

const IMPLEMENTATIONS = [ON_REDIS, ON_SQLITE];
/** A participant's turns: connect, lose the connection, connect again, leave. */
const NEXT = 4;
/** Completes within the grace period, at a rate that any machine can handle. */
const LEISURELY_PER_SECOND = 3_000;

export async function surge({ warmMs, maxMs, devices, connections, overload }) {
  const returns = [];
  const overloads = [];
  for (const { name, start } of IMPLEMENTATIONS) {
    const { port, pids, stop } = await start();
    const warm = await callbacks({ port, ms: warmMs, plan: { participants: devices } });
    const { perSecond } = await callbacks({ port, ms: maxMs, plan: { participants: devices, sent: warm.requests } });
    returns.push({ '': name, ...(await reconnect({ port, devices, connections })) });
    const excess = { ...overload, perSecond: 2 * perSecond };
    overloads.push({ '': name, ...(await overwhelm({ port, pid: pids.service, ...excess })) });
    await stop();
  }
  return {
    title: 'Many at once',
    tables: [
      { text: reconnectText(devices, connections), rows: returns },
      { text: overloadText(overload), rows: overloads },
    ],
    samples: {},
    failed: 0,
  };
}

function reconnectText(devices, connections) {
  return `${format(devices)} disconnected devices reconnect within one second, at a constant rate over ${format(connections)}
connections. Latency is measured from the scheduled time of a callback.`;
}

function overloadText({ connections }) {
  return `Twice the rate that wrk reached, constant, with up to ${format(connections)} callbacks in flight, which is more than the service
allows. Latency is measured from when a callback was sent. Refusals (503) must be fast, and memory must be bounded.`;
}

async function reconnect({ port, devices, connections }) {
  const warmUp = { perSecond: LEISURELY_PER_SECOND, count: 2 * devices };
  const answer = await pace({ port, connections, participants: devices, warmUp, perSecond: devices, count: devices });
  const { p50Ms, p99Ms, maxMs } = answer.byStatus[204].fromIntended;
  return {
    'time to all responses, ms': format(answer.elapsedMs),
    'p50 ms': format(p50Ms, 1),
    'p99 ms': format(p99Ms, 1),
    'max ms': format(maxMs, 1),
    refused: format(refusedOf(answer)),
  };
}

async function overwhelm({ port, pid, perSecond, connections, ms }) {
  const before = usageOf(pid).rssKb;
  const most = watchMemory(pid);
  const count = Math.round((perSecond * ms) / 1_000);
  const warmUp = { perSecond: LEISURELY_PER_SECOND, count: 2 * LEISURELY_PER_SECOND };
  const answer = await pace({ port, perSecond, count, connections, warmUp, firstTurn: NEXT });
  const mostKb = await most();
  const { byStatus, elapsedMs } = answer;
  const p99 = (status) => (byStatus[status] ? format(byStatus[status].fromSent.p99Ms) : '–');
  return {
    'sent/s': format(perSecond),
    'stored/s': format(((byStatus[204]?.count ?? 0) * 1_000) / elapsedMs),
    'p99 ms of 204': p99(204),
    'refused/s': format(((byStatus[503]?.count ?? 0) * 1_000) / elapsedMs),
    'p99 ms of 503': p99(503),
    'other responses': format(count - (byStatus[204]?.count ?? 0) - (byStatus[503]?.count ?? 0)),
    'MiB before': format(before / 1_024),
    'peak MiB': format(mostKb / 1_024),
  };
}

/** Returns a function that stops the measurement and returns the maximum, in kilobytes. */
function watchMemory(pid) {
  const ending = new AbortController();
  let mostKb = 0;
  const watched = (async () => {
    for await (const _ of every(50, undefined, { signal: ending.signal })) {
      mostKb = Math.max(mostKb, usageOf(pid).rssKb);
    }
  })().catch(() => {});
  return async () => {
    ending.abort();
    await watched;
    return mostKb;
  };
}
