// Generates load with wrk: one thread and many connections, each with one request in flight, so that the service is always busy.
import { setTimeout as wait } from 'node:timers/promises';
import { outputOf } from './processes.mjs';
import { usageOf } from './usage.mjs';

const FIGURES = /^figures (\d+) (\d+) (\d+) (\d+) (\d+)$/m;
/** wrk only accepts whole seconds, but prints its results when interrupted: so it is started for longer and interrupted. */
const FOR_LONG = '-d600s';
/** A service without a single response in this time is broken, not slow. */
const FIRST_RESPONSE_TIMEOUT_MS = 5_000;

/**
 * Runs bench/<script>.lua for `ms`. `pids`: processes, by name, whose CPU time per request is measured, in microseconds.
 * `loadCpuUs` is that of wrk itself.
 */
export async function load(settings) {
  const { port, script, plan, ms, pids = {}, connections = 64 } = settings;
  const args = ['-t1', `-c${connections}`, FOR_LONG, '-s', `bench/${script}.lua`, `http://127.0.0.1:${port}`, '--'];
  if (pids.service) await untilIdle(pids.service);
  const before = cpuOf(pids);
  let loadCpuS = 0;
  const output = await outputOf('wrk', [...args, ...Object.entries(plan).map(([name, value]) => `${name}=${value}`)], {
    // wrk prints this once all its requests are prepared.
    onFirstOutput: async (pid) => {
      await wait(ms);
      loadCpuS = usageOf(pid).cpuS;
      process.kill(pid, 'SIGINT');
    },
  });
  const after = cpuOf(pids);
  const [requests, durationUs, p50Us, p99Us, failed] = (FIGURES.exec(output) ?? []).slice(1).map(Number);
  // A service that has just started on a busy machine may not have answered yet.
  if (requests === 0 && ms < FIRST_RESPONSE_TIMEOUT_MS) return load({ ...settings, ms: 3 * ms });
  if (!requests) throw new Error(`no answers from ${script} ${JSON.stringify(plan)}:\n${output}`);
  const cpuUs = Object.keys(pids).map((name) => [name, ((after[name] - before[name]) * 1e6) / requests]);
  return {
    requests,
    failed,
    perSecond: (requests * 1e6) / durationUs,
    p50Ms: p50Us / 1e3,
    p99Ms: p99Us / 1e3,
    cpuUs: Object.fromEntries(cpuUs),
    loadCpuUs: (loadCpuS * 1e6) / requests,
  };
}

/** The usual load: callbacks of participants who come and go. Other options as for `load`. */
export function callbacks(settings) {
  const plan = {
    participants: 10_000,
    first: 0,
    apart: 1,
    tags: 1,
    devices: 1,
    life: 'calls',
    sent: 0,
    senders: 1,
    sender: 0,
    ...settings.plan,
  };
  return load({ ...settings, script: 'callback', plan });
}

/** An interrupted load leaves requests in flight, which would distort the next one. */
async function untilIdle(pid) {
  for (let tries = 0; tries < 100; tries += 1) {
    const before = usageOf(pid).cpuS;
    await wait(50);
    if (usageOf(pid).cpuS - before < 0.02) return;
  }
}

function cpuOf(pids) {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, usageOf(pid).cpuS]));
}
