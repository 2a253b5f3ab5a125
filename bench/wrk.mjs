// Load by wrk: one thread and many connections, each with one request under way, so that the service is never without work.
import { setTimeout as wait } from 'node:timers/promises';
import { outputOf } from './processes.mjs';
import { usageOf } from './usage.mjs';

const FIGURES = /^figures (\d+) (\d+) (\d+) (\d+) (\d+)$/m;
/** wrk counts whole seconds, and gives its figures when it is interrupted: so it is asked for more than is wanted. */
const FOR_LONG = '-d600s';
/** Who has not answered once in so long is not only slow. */
const PATIENCE_MS = 5_000;

/**
 * Runs bench/<script>.lua for `ms`. `pids`: whose processor time is wanted, in microseconds a request, by name.
 * `loadCpuUs` is that of wrk itself.
 */
export async function load(settings) {
  const { port, script, plan, ms, pids = {}, connections = 64 } = settings;
  const args = ['-t1', `-c${connections}`, FOR_LONG, '-s', `bench/${script}.lua`, `http://127.0.0.1:${port}`, '--'];
  if (pids.service) await untilIdle(pids.service);
  const before = cpuOf(pids);
  let loadCpuS = 0;
  const output = await outputOf('wrk', [...args, ...Object.entries(plan).map(([name, value]) => `${name}=${value}`)], {
    // By then it has made its requests: it says so itself.
    onFirstOutput: async (pid) => {
      await wait(ms);
      loadCpuS = usageOf(pid).cpuS;
      process.kill(pid, 'SIGINT');
    },
  });
  const after = cpuOf(pids);
  const [requests, durationUs, p50Us, p99Us, failed] = (FIGURES.exec(output) ?? []).slice(1).map(Number);
  // A service that is just started, on a machine that is busy, may not have come to an answer.
  if (requests === 0 && ms < PATIENCE_MS) return load({ ...settings, ms: 3 * ms });
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

/** Callbacks of participants that come and go: the usual load. `load` has the rest. */
export function callbacks(settings) {
  const plan = {
    participants: 10_000,
    first: 0,
    apart: 1,
    tags: 1,
    devices: 1,
    life: 'calls',
    sent: 0,
    ...settings.plan,
  };
  return load({ ...settings, script: 'callback', plan });
}

/** A load that was cut short leaves requests under way, which would be part of the next one. */
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
