// One run in real time, against both receivers as processes: queries them every second, and scores them against the truth.
import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_POLICY } from '../../dist/domain/policy.js';
import { runCallbacks } from '../../simulator/dist/callback-run.js';
import { allowanceOf } from '../../simulator/dist/judge/allowance.js';
import { scoreOf } from '../../simulator/dist/judge/score.js';
import { Truth } from '../../simulator/dist/judge/truth.js';
import { recordStep } from '../../simulator/dist/played-step.js';
import { startNode } from '../processes.mjs';
import { NaiveObserver, RollcallObserver } from './observers.mjs';

const { graceMs } = DEFAULT_POLICY;
const ENVIRONMENT = { GRACE_MS: String(graceMs), RATE_LIMIT_PER_MINUTE: '1000000', LOG_LEVEL: 'silent' };
const SAMPLE_EVERY_MS = 1_000;
const RETRY = { attempts: 1, backoffMs: 1_000, timeoutMs: 10_000 };

/** Resolves with the score of each receiver and the outcome of the run. `settings`: see `runVirtually`. */
export async function runLive(run, chaos, { overlapMs } = {}) {
  const environment = { ...ENVIRONMENT, ...(overlapMs !== undefined && { OVERLAP_MS: String(overlapMs) }) };
  const receivers = await Promise.all([startNode('dist/main.js', environment), startNode('bench/accuracy/naive.mjs')]);
  const [rollcallUrl, naiveUrl] = receivers.map(({ port }) => `http://127.0.0.1:${port}`);
  try {
    const observers = { rollcall: new RollcallObserver(rollcallUrl), naive: new NaiveObserver(naiveUrl) };
    const callbackUrls = [rollcallUrl, naiveUrl].map((url) => `${url}/callbacks/bandwidth`);
    return await play(run, chaos, callbackUrls, observers);
  } finally {
    await Promise.all(receivers.map((receiver) => receiver.stop()));
  }
}

async function play(run, chaos, callbackUrls, observers) {
  const truth = new Truth(graceMs);
  const allowance = allowanceOf(chaos, graceMs);
  const names = Object.keys(observers);
  await Promise.all(names.map((name) => observers[name].start()));
  const sampling = new AbortController();
  const sampled = Promise.all(names.map((name) => sample(observers[name], sampling.signal)));
  const startMs = Date.now();
  const outcome = await runCallbacks({
    run,
    chaos,
    retry: RETRY,
    callbackUrls,
    signal: new AbortController().signal,
    onStep: (step) => recordStep(truth, step),
  });
  // Until every loss within the run is final and known, as in virtual time.
  const endMs = startMs + outcome.behindMs + run.durationMs + allowance.graceMs + allowance.deliveryMs;
  await wait(Math.max(0, endMs - Date.now()));
  const untilMs = Date.now();
  sampling.abort();
  const samples = await sampled;
  const scores = {};
  for (const [index, name] of names.entries()) {
    const announcements = await observers[name].announcements();
    scores[name] = scoreOf(truth, { samples: samples[index], announcements, untilMs }, allowance);
  }
  return { scores, ...outcome };
}

async function sample(observer, signal) {
  const samples = [];
  const startMs = Date.now();
  for (let n = 1; !signal.aborted; n += 1) {
    await wait(Math.max(0, startMs + n * SAMPLE_EVERY_MS - Date.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const atMs = Date.now();
    samples.push({ atMs, present: await observer.present() });
  }
  return samples;
}
