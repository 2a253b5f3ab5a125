// Compares the CPU time that running services spend on a callback, in many short slices: other work on the machine comes and goes within
// seconds, and a service is as fast as it will be only after many callbacks.
import { setTimeout as wait } from 'node:timers/promises';
import { usageOf } from './usage.mjs';
import { callbacks } from './wrk.mjs';

/**
 * `services`: running ones, with `port` and `pid`. Each has callbacks in turns for `ms`, and then `settleMs` for what it does with them
 * afterwards. Resolves with the results of each slice, by service.
 */
export async function callbacksInSlices(services, { warmMs, slices, ms, settleMs }) {
  const all = Object.entries(services).map(([name, { port, pid }]) => ({ name, port, pid, sent: 0, results: [] }));
  const measure = async (service, duration) => {
    const beforeS = usageOf(service.pid).cpuS;
    const result = await callbacks({ port: service.port, ms: duration, plan: { sent: service.sent } });
    service.sent += result.requests;
    await wait(settleMs);
    const cpuUs = ((usageOf(service.pid).cpuS - beforeS) * 1e6) / result.requests;
    return { cpuUs, perSecond: result.perSecond, failed: result.failed };
  };
  for (const service of all) await measure(service, warmMs);
  for (let slice = 0; slice < slices; slice += 1) {
    // The first in one round is the last in the next, so that what changes steadily favours none.
    for (const service of slice % 2 === 0 ? all : all.toReversed()) service.results.push(await measure(service, ms));
  }
  return Object.fromEntries(all.map(({ name, results }) => [name, results]));
}
