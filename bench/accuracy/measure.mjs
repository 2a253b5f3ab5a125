// One run: plays a scenario to Rollcall and to the naive receiver, queries both every second, and scores both against the truth.
import { setTimeout as wait } from 'node:timers/promises';
import { runCallbacks } from '../../simulator/dist/callback-run.js';
import { scoreOf } from '../../simulator/dist/judge/score.js';
import { Truth } from '../../simulator/dist/judge/truth.js';
import { stepOf } from '../../simulator/dist/scenarios/traffic.js';
import { maxDelayMs } from '../../simulator/dist/webhooks/chaos.js';
import { startNode } from '../processes.mjs';
import { NaiveObserver, RollcallObserver } from './observers.mjs';

export const GRACE_MS = 15_000;
const { OVERLAP_MS } = process.env;
const SETTINGS = {
  GRACE_MS: String(GRACE_MS),
  RATE_LIMIT_PER_MINUTE: '1000000',
  LOG_LEVEL: 'silent',
  ...(OVERLAP_MS && { OVERLAP_MS }),
};
const SAMPLE_EVERY_MS = 1_000;
/** The maximum time from a webhook or a deadline until an observer can see it, on a busy machine. */
const HANDLING_MS = 2_000;
const RETRY = { attempts: 1, backoffMs: 1_000, timeoutMs: 10_000 };

/** Resolves with the score of each receiver and the outcome of the run. `run`: as for `play`; `chaos`: its policy. */
export async function measure(run, chaos) {
  const receivers = await Promise.all([startNode('dist/main.js', SETTINGS), startNode('bench/accuracy/naive.mjs')]);
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
  const truth = new Truth(GRACE_MS);
  const allowance = { deliveryMs: maxDelayMs(chaos) + HANDLING_MS, graceMs: GRACE_MS };
  const names = Object.keys(observers);
  await Promise.all(names.map((name) => observers[name].start()));
  const sampling = new AbortController();
  const sampled = Promise.all(names.map((name) => sample(observers[name], sampling.signal)));
  const outcome = await runCallbacks({
    run,
    chaos,
    retry: RETRY,
    callbackUrls,
    signal: new AbortController().signal,
    onCue: (cue, { participantId, deviceId }) => {
      const { action } = stepOf(cue);
      if (action === 'connect') truth.connect(participantId, deviceId, cue.atMs);
      else truth.end(participantId, deviceId, cue.atMs, action === 'leave');
    },
  });
  // The last events take effect later: a loss is final only after the grace period.
  await wait(allowance.graceMs + allowance.deliveryMs);
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
