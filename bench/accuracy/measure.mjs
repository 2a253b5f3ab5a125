// One run: a scenario told to Rollcall and to the naive receiver, both asked every second, both scored by the truth.
import { setTimeout as wait } from 'node:timers/promises';
import { runCallbacks } from '../../simulator/dist/callback-run.js';
import { scoreOf } from '../../simulator/dist/judge/score.js';
import { Truth } from '../../simulator/dist/judge/truth.js';
import { stepOf } from '../../simulator/dist/scenarios/traffic.js';
import { longestDelayMs } from '../../simulator/dist/webhooks/chaos.js';
import { startNode } from '../processes.mjs';
import { NaiveWitness, RollcallWitness } from './witnesses.mjs';

export const GRACE_MS = 15_000;
const { OVERLAP_MS } = process.env;
const SETTINGS = {
  GRACE_MS: String(GRACE_MS),
  RATE_LIMIT_PER_MINUTE: '1000000',
  LOG_LEVEL: 'silent',
  ...(OVERLAP_MS && { OVERLAP_MS }),
};
const SAMPLE_EVERY_MS = 1_000;
/** From a webhook's arrival, or a deadline, to where a witness sees it, on a busy machine. */
const HANDLING_MS = 2_000;
const RETRY = { attempts: 1, backoffMs: 1_000, timeoutMs: 10_000 };

/** Resolves with a score for each receiver, and what was sent. `run`: as for `play`; `chaos`: its policy. */
export async function measure(run, chaos) {
  const receivers = await Promise.all([startNode('dist/main.js', SETTINGS), startNode('bench/accuracy/naive.mjs')]);
  const [rollcallUrl, naiveUrl] = receivers.map(({ port }) => `http://127.0.0.1:${port}`);
  try {
    const witnesses = { rollcall: new RollcallWitness(rollcallUrl), naive: new NaiveWitness(naiveUrl) };
    const callbackUrls = [rollcallUrl, naiveUrl].map((url) => `${url}/callbacks/bandwidth`);
    return await play(run, chaos, callbackUrls, witnesses);
  } finally {
    await Promise.all(receivers.map((receiver) => receiver.stop()));
  }
}

async function play(run, chaos, callbackUrls, witnesses) {
  const truth = new Truth(GRACE_MS);
  const allowance = { tellingMs: longestDelayMs(chaos) + HANDLING_MS, graceMs: GRACE_MS };
  const names = Object.keys(witnesses);
  await Promise.all(names.map((name) => witnesses[name].start()));
  const sampling = new AbortController();
  const sampled = Promise.all(names.map((name) => sample(witnesses[name], sampling.signal)));
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
  // What has been told is not all known yet: a loss is final only when its grace is over.
  await wait(allowance.graceMs + allowance.tellingMs);
  const untilMs = Date.now();
  sampling.abort();
  const samples = await sampled;
  const scores = {};
  for (const [index, name] of names.entries()) {
    const announcements = await witnesses[name].announcements();
    scores[name] = scoreOf(truth, { samples: samples[index], announcements, untilMs }, allowance);
  }
  return { scores, ...outcome };
}

async function sample(witness, signal) {
  const samples = [];
  const startMs = Date.now();
  for (let n = 1; !signal.aborted; n += 1) {
    await wait(Math.max(0, startMs + n * SAMPLE_EVERY_MS - Date.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const atMs = Date.now();
    samples.push({ atMs, present: await witness.present() });
  }
  return samples;
}
