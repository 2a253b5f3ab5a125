// Runs the requested parts and prints their measurements.
import { loadavg } from 'node:os';
import { section, writeDocument } from './document.mjs';
import { judge, unmeasured } from './goals.mjs';
import { describeMachine } from './machine.mjs';
import { availability } from './parts/availability.mjs';
import { capacity } from './parts/capacity.mjs';
import { history } from './parts/history.mjs';
import { ingest } from './parts/ingest.mjs';
import { memory } from './parts/memory.mjs';
import { paced } from './parts/pace.mjs';
import { processes } from './parts/processes.mjs';
import { reads } from './parts/reads.mjs';
import { scale } from './parts/scale.mjs';
import { scaleOut } from './parts/scale-out.mjs';
import { start } from './parts/start.mjs';
import { store } from './parts/store.mjs';
import { surge } from './parts/surge.mjs';
import { webhooks } from './parts/webhooks.mjs';
import { QUICK, WHOLE } from './sizes.mjs';
import { table } from './table.mjs';

const PARTS = {
  ...{ start, ingest, pace: paced, surge, store, processes, 'scale-out': scaleOut },
  ...{ memory, reads, availability, scale, capacity, history, webhooks },
};

/** `names`: of the parts; empty for all. `targets`: those of the sizing. Resolves with whether everything was measured and all requests succeeded. */
export async function run({ names, isQuick, targets }) {
  const unknown = names.filter((name) => !(name in PARTS));
  if (unknown.length > 0) {
    console.error(`Unknown parts: ${unknown.join(', ')}. Parts: ${Object.keys(PARTS).join(', ')}.`);
    return false;
  }
  const machine = describeMachine();
  console.log(machine.join('\n'));
  const chosen = names.length > 0 ? names : Object.keys(PARTS);
  const outcomes = [];
  for (const name of chosen) outcomes.push(await measure(name, (isQuick ? QUICK : WHOLE)[name], targets));

  const samples = Object.assign({}, ...outcomes.map((outcome) => outcome.samples));
  const goals = judge(samples);
  if (goals.rows.length > 0 && !isQuick) console.log(`\n${table(goals.rows)}\n`);
  const isWhole = names.length === 0;
  const missing = isWhole ? unmeasured(samples) : [];
  if (missing.length > 0) console.error(`Not measured: ${missing.join('; ')}`);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  if (failed > 0) console.error(`${failed} requests failed or were not answered.`);
  if (isWhole && !isQuick && missing.length === 0) writeDocument({ machine, goals, outcomes });
  return missing.length === 0 && failed === 0;
}

async function measure(name, size, targets) {
  const beganMs = performance.now();
  const outcome = await PARTS[name](size, targets);
  const seconds = Math.round((performance.now() - beganMs) / 1_000);
  console.log(`\n${section(outcome).join('\n\n')}\n\n(${name}: ${seconds} s, load ${loadavg()[0].toFixed(1)})`);
  return outcome;
}
