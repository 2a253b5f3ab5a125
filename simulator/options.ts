// The options that the simulator's commands share. The defaults are what the provider presumably does.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { attempts, count, percentage, perSecond, signedTime, time, timeout, whole } from './option-values.js';
import { seedOf } from './random.js';
import type { Scenario } from './scenarios/scenario.js';
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
  readonly overlapWithin: number;
  readonly clockOffset: number;
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
    .addOption(flag('--loss <percent>', 'webhooks that are never sent, like 1%', percentage, 0, '0%'))
    .addOption(flag('--duplicates <percent>', 'webhooks that are sent again within 5 s', percentage, 0, '0%'))
    .addOption(flag('--delay <time>', 'mean delay of each webhook, like 200ms', time, 0, '0ms'))
    .addOption(flag('--reorder <percent>', 'webhooks held back so that later ones overtake', percentage, 0, '0%'))
    .addOption(flag('--reorder-within <time>', 'maximum time that these are held back', time, 2_000, '2s'))
    .addOption(flag('--skew <time>', 'largest error of the clocks of the provider’s hosts', time, 0, '0ms'))
    .addOption(flag('--overlap <percent>', 'losses of up to 10 s reported after the return', percentage, 0, '0%'))
    .addOption(
      flag('--overlap-within <time>', 'maximum time after the return until that is noticed', time, 5_000, '5s'),
    )
    .addOption(
      flag('--clock-offset <time>', 'error of all of the provider’s clocks, like 2s or -2s', signedTime, 0, '0ms'),
    )
    .addOption(flag('--burst <time>', 'send webhooks in bursts at this interval', time, 0, '0ms'))
    .addOption(flag('--seed <text>', 'the same seed repeats the same run', seedOf, seedOf(DEFAULT_SEED), DEFAULT_SEED));
}

export function withRetryFlags(command: Command): Command {
  return command
    .addOption(flag('--attempts <n>', 'how often a webhook is sent until it is accepted, up to 20', attempts, 1, '1'))
    .addOption(
      flag('--backoff <time>', 'wait before the second attempt, doubled each time, up to 10m', time, 1_000, '1s'),
    )
    .addOption(flag('--timeout <time>', 'how long to wait for a response', timeout, 10_000, '10s'));
}

/** A day. A participant's steps are recomputed for each of them; a longer run would have too many. */
const MAX_RUN_S = 86_400;

export function withRunFlags(command: Command): Command {
  return command
    .addOption(flag('--participants <n>', 'number of participants, from 1 to 1000000', count, 100, '100'))
    .option('--rate <n>', 'arrivals per second (default: all in the first third of the run)', perSecond)
    .option(
      '--seconds <n>',
      'length of the run, up to 86400 (default: 60, or as the scenario or --rate needs)',
      (text) => whole(text, 1, MAX_RUN_S),
    );
}

/** `shown`: the default as shown in the help. */
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
    overlapWithinMs: flags.overlapWithin,
    clockOffsetMs: flags.clockOffset,
    burstMs: flags.burst,
  };
}

export function retryPolicyOf({ attempts, backoff, timeout }: RetryFlags): RetryPolicy {
  return { attempts, backoffMs: backoff, timeoutMs: timeout };
}

const DEFAULT_RUN_S = 60;
/** All participants arrive within this share of a run, so that there is time to stay and leave. */
const ARRIVAL_SHARE = 0.4;

/** Throws InvalidArgumentError when the participants cannot all arrive at that rate within the run. */
export function stageOf({ participants, rate, seconds }: RunFlags, scenario?: Scenario) {
  const arrivalS = participants / (rate ?? Number.POSITIVE_INFINITY);
  const neededS = Math.ceil(arrivalS / ARRIVAL_SHARE);
  const maxS = seconds ?? MAX_RUN_S;
  if (neededS > maxS) {
    throw new InvalidArgumentError(
      `${participants} participants at --rate ${rate} need a run of ${neededS} s, more than ${maxS} s. Raise --rate${seconds ? ' or --seconds' : ''}.`,
    );
  }
  const scenarioS = (scenario?.durationMs ?? DEFAULT_RUN_S * 1_000) / 1_000;
  const durationS = seconds ?? Math.max(scenarioS, neededS);
  const durationMs = durationS * 1_000;
  return { participants, durationMs, arrivalMs: rate === undefined ? durationMs / 3 : arrivalS * 1_000 };
}
