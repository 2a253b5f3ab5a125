// Runs a scenario from its first step to the last response: shared by the commands `simulate` and `accuracy`.
import { type Clock, systemClock } from './clock.js';
import { eventsOfStep, type PlayedStep, playedStep } from './played-step.js';
import { type Cue, play, type RunOptions } from './scenarios/run.js';
import { stepOf } from './scenarios/traffic.js';
import { Tally } from './tally.js';
import {
  CallbackClient,
  type CallbackResponse,
  isAccepted,
  maxSendMs,
  type RetryPolicy,
} from './webhooks/callback-client.js';
import { CallbackHosts } from './webhooks/callback-hosts.js';
import { Chaos, type ChaosPolicy, type Delivery, maxDeliveryDelayMs } from './webhooks/chaos.js';
import { Dispatcher } from './webhooks/dispatcher.js';

export interface DeliveryRun {
  readonly run: RunOptions;
  readonly chaos: ChaosPolicy;
  readonly signal: AbortSignal;
  /** Called for each step of the scenario, before its webhooks are sent. */
  readonly onStep: (step: PlayedStep, tally: Tally) => void;
}

export interface CallbackRun extends DeliveryRun {
  readonly retry: RetryPolicy;
  /** Every URL receives the same deliveries at the same times. */
  readonly callbackUrls: readonly string[];
}

export interface RunOutcome {
  readonly tally: Tally;
  readonly behindMs: number;
  /** Whether the run fell behind because too many delayed webhooks were waiting, not because of the receiver. */
  readonly wasFull: boolean;
}

const MAX_IN_FLIGHT = 128;

/**
 * The maximum time from the last step to the end of a run, in milliseconds: until every delayed webhook is sent and every
 * attempt is answered or timed out. It takes longer if the receiver is slower than the traffic.
 */
export function settlingMs(chaos: ChaosPolicy, retry: RetryPolicy): number {
  return maxDeliveryDelayMs(chaos) + maxSendMs(retry);
}

/** Resolves when everything is sent and answered, or after an abort when everything in flight is answered. */
export async function runCallbacks({ retry, callbackUrls, ...run }: CallbackRun): Promise<RunOutcome> {
  const client = new CallbackClient({ retry, connections: MAX_IN_FLIGHT, hosts: CallbackHosts.of(callbackUrls) });
  run.signal.addEventListener('abort', () => client.giveUp());
  const outcome = await deliver(run, async ({ body }) => {
    const responses = await Promise.all(callbackUrls.map((url) => client.send(url, body)));
    return responses.find((response) => !isAccepted(response)) ?? (responses[0] as CallbackResponse);
  });
  await client.close();
  return outcome;
}

/** Like `runCallbacks`, with any function that sends. `send` must not reject. */
export async function deliver(
  { run, chaos: policy, signal, onStep }: DeliveryRun,
  send: (delivery: Delivery) => Promise<CallbackResponse>,
  clock: Clock = systemClock,
): Promise<RunOutcome> {
  const tally = new Tally(clock);
  const chaos = new Chaos(policy, run.seed);
  const dispatcher = new Dispatcher<Delivery>(send, MAX_IN_FLIGHT, (_, response) => tally.addResponse(response), clock);
  signal.addEventListener('abort', () => dispatcher.stop());
  const take = (cue: Cue) => {
    const step = playedStep(eventsOfStep(cue, run.seed), chaos);
    if (cue.index === 0) tally.came += 1;
    tally.connected += stepOf(cue).action === 'connect' ? 1 : -1;
    onStep(step, tally);
    for (const plan of step.plans) {
      tally.addEvent(plan);
      for (const delivery of plan.deliveries) dispatcher.add(delivery);
    }
  };
  const behindMs = await play(run, { take, room: () => dispatcher.room(), signal }, clock);
  await dispatcher.idle();
  return { tally, behindMs, wasFull: dispatcher.wasFull };
}
