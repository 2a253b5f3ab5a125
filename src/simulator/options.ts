// What the simulator's commands can be told on their command lines. A default is what the provider is thought to do.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { seedOf } from './random.js';
import type { Scenario } from './scenarios/scenario.js';
import { SCENARIOS } from './scenarios/scenarios.js';
import type { RetryPolicy } from './webhooks/callback-client.js';
import type { ChaosPolicy } from './webhooks/chaos.js';

export interface ChaosFlags {
  readonly loss: number;
  readonly duplicates: number;
  readonly delay: number;
  readonly reorder: number;
  readonly reorderWithin: number;
  readonly skew: number;
  readonly overlap: number;
  readonly burst: number;
  readonly seed: number;
}

export interface RetryFlags {
  readonly attempts: number;
  readonly backoff: number;
  readonly timeout: number;
}

export interface RunFlags {
  readonly participants: number;
  readonly rate?: number;
  readonly seconds?: number;
}

const DEFAULT_SEED = 'rollcall';

export function withChaosFlags(command: Command): Command {
  return command
    .addOption(flag('--loss <share>', 'webhooks that are never sent, like 1%', share, 0, 'none'))
    .addOption(flag('--duplicates <share>', 'webhooks that are sent again within 5 s', share, 0, 'none'))
    .addOption(flag('--delay <time>', 'mean delay of each, like 200ms', time, 0, 'none'))
    .addOption(flag('--reorder <share>', 'webhooks that are held back, so that others overtake', share, 0, 'none'))
    .addOption(flag('--reorder-within <time>', 'for how long at the most', time, 2_000, '2s'))
    .addOption(flag('--skew <time>', 'how wrong the clocks of the provider’s hosts are at the most', time, 0, 'none'))
    .addOption(flag('--overlap <share>', 'losses that are noticed only after the device is back', share, 0, 'none'))
    .addOption(flag('--burst <time>', 'all webhooks of such a time go out at once, at its end', time, 0, 'none'))
    .addOption(flag('--seed <text>', 'the same seed, the same chance', seedOf, seedOf(DEFAULT_SEED), DEFAULT_SEED));
}

export function withRetryFlags(command: Command): Command {
  return command
    .addOption(flag('--attempts <n>', 'how often a webhook is sent until it is taken', count, 1, '1'))
    .addOption(flag('--backoff <time>', 'before the second attempt, doubled for each further one', time, 1_000, '1s'))
    .addOption(flag('--timeout <time>', 'how long an answer is waited for', time, 10_000, '10s'));
}

export function withRunFlags(command: Command): Command {
  return command
    .addOption(flag('--participants <n>', 'how many there are, up to a million', count, 100, '100'))
    .option('--rate <n>', 'how many come a second (default: all within a third of the run)', rate)
    .option('--seconds <n>', 'how long it takes (default: 60, or as the rate needs)', rate);
}

/** `shown`: the default as people would write it. */
export function flag(
  flags: string,
  description: string,
  parse: (text: string) => number,
  value: number,
  shown: string,
): Option {
  return new Option(flags, description).argParser(parse).default(value, shown);
}

export function chaosPolicyOf(flags: ChaosFlags): ChaosPolicy {
  return {
    lossShare: flags.loss,
    duplicateShare: flags.duplicates,
    delayMs: flags.delay,
    reorderShare: flags.reorder,
    reorderWithinMs: flags.reorderWithin,
    skewMs: flags.skew,
    overlapShare: flags.overlap,
    burstMs: flags.burst,
  };
}

export function retryPolicyOf({ attempts, backoff, timeout }: RetryFlags): RetryPolicy {
  return { attempts, backoffMs: backoff, timeoutMs: timeout };
}

/** A stay takes a while after the last one has come. */
const LEAST_STAY_S = 40;

export function stageOf({ participants, rate: perSecond, seconds }: RunFlags) {
  const arrivalS = perSecond === undefined ? (seconds ?? 60) / 3 : participants / perSecond;
  const durationS = seconds ?? Math.max(60, arrivalS + LEAST_STAY_S);
  return { participants, durationMs: durationS * 1_000, arrivalMs: Math.min(arrivalS, durationS / 2) * 1_000 };
}

/** Throws InvalidArgumentError. */
export function scenario(name: string): Scenario {
  const found = SCENARIOS.get(name);
  if (found) return found;
  throw new InvalidArgumentError(`It is one of ${[...SCENARIOS.keys()].join(', ')}.`);
}

export function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It is a URL like http://127.0.0.1:3000/callbacks/bandwidth.');
}

export function port(text: string): number {
  return whole(text, 0, 65_535);
}

function count(text: string): number {
  return whole(text, 1, 1_000_000);
}

function rate(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError('It is a number above 0.');
}

function whole(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
}

function share(text: string): number {
  const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const value = Number(digits) / (percent ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It is a share like 1% or 0.01.');
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const LONGEST_MS = 600_000;

export function time(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const valueMs = Number(digits) * (UNITS_MS[unit] ?? Number.NaN);
  if (valueMs >= 0 && valueMs <= LONGEST_MS) return valueMs;
  throw new InvalidArgumentError('It is a time of up to 10 minutes, like 500ms, 2s or 1m.');
}
