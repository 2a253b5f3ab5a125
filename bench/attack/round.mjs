// Runs one attack on one stage, and measures honest callbacks before, during and after it.
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { launch } from '../processes.mjs';
import { currentPosition } from './stage.mjs';
import { LIMITS, latencyLimitMs, verdict } from './verdict.mjs';

/** The callbacks of a single second are too few for a 99th percentile. */
const CALM_MS = 1_500;
const STEP_MS = 250;
const CHECK_EVERY_MS = 50;
/** Time for an attacker to start and stop on a busy machine. */
const ATTACKER_GRACE_MS = 10_000;

export async function attackOnce(stage, { attack, controlMs, attackMs, seed }) {
  const { honest, watch } = stage;
  const controlFromMs = Date.now();
  const position = await currentPosition(stage.request);
  await wait(controlMs);
  stage.restMib ??= watch.peakMibSince(controlFromMs);
  const attackFromMs = Date.now(); // callbacks in flight are answered before the attacker has started
  const attacker = await runAttacker(stage, { attack: attack.name, durationMs: attackMs, seed });
  const endMs = Date.now();
  const control = await honest.outcome(controlFromMs, attackFromMs);
  const backAfterMs = await recover(stage, { endMs, control });
  const measured = {
    control,
    underAttack: await honest.outcome(attackFromMs, endMs, { countsNew: !attack.keepsNewConnectionsOut }),
    grownMib: watch.peakMibSince(attackFromMs) - stage.restMib,
    backAfterMs,
    isAlive: watch.isAlive(),
    isReady: (await stage.request('/health/ready')).status === 200,
    isFeedKept: (await stage.request(`/v1/changes?limit=1&after=${position}`)).status !== 410,
    attacker,
  };
  return { store: stage.store, attack: attack.name, ...measured, failed: verdict(measured) };
}

/** Stops the attack early if the service takes so much memory that the result is clear and the machine is at risk. */
async function runAttacker({ url, target, watch, restMib }, plan) {
  const argument = JSON.stringify({ ...plan, url, target });
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = launch(process.execPath, ['bench/attack/attacker.mjs', argument], { stdio });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const looking = setInterval(() => {
    if (watch.latestMib > restMib + 2 * LIMITS.grownMib || !watch.isAlive()) child.kill('SIGTERM');
  }, CHECK_EVERY_MS);
  const timer = setTimeout(() => child.kill('SIGKILL'), plan.durationMs + ATTACKER_GRACE_MS);
  const [code, signal] = await once(child, 'close');
  clearInterval(looking);
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the attack ${plan.attack} exited with ${code ?? signal}`);
  return JSON.parse(output);
}

/** How long it took until callbacks were answered as before; undefined if that took too long. */
async function recover({ honest, watch }, { endMs, control }) {
  for (let fromMs = endMs; fromMs <= endMs + LIMITS.backAfterMs && watch.isAlive(); fromMs += STEP_MS) {
    await wait(Math.max(0, fromMs + CALM_MS - Date.now()));
    const timeoutMs = latencyLimitMs(control, control);
    const after = await honest.outcome(fromMs, fromMs + CALM_MS, { timeoutMs });
    if (after.p99Ms <= latencyLimitMs(control, after) && after.refused === 0) return fromMs - endMs;
  }
  return undefined;
}
