// A scenario from its first step to the last answer: what the commands `simulate` and `accuracy` both do.
import { type Clock, systemClock } from './clock.js';
import { type Cue, play, type RunOptions } from './scenarios/run.js';
import { eventsOf, type Ids, idsOf, stepOf } from './scenarios/traffic.js';
import { Tally } from './tally.js';
import { type Answer, CallbackClient, isTaken, longestSendMs, type RetryPolicy } from './webhooks/callback-client.js';
import { CallbackHosts } from './webhooks/callback-hosts.js';
import { Chaos, type ChaosPolicy, type Delivery, latestDeliveryMs } from './webhooks/chaos.js';
import { Dispatcher } from './webhooks/dispatcher.js';

export interface Delivering {
  readonly run: RunOptions;
  readonly chaos: ChaosPolicy;
  readonly signal: AbortSignal;
  /** Called for each step of the truth, before any webhook of it is sent. */
  readonly onCue: (cue: Cue, ids: Ids, tally: Tally) => void;
}

export interface CallbackRun extends Delivering {
  readonly retry: RetryPolicy;
  /** Each gets the same deliveries at the same moments. */
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
 * How long after its last step a run ends at the latest, in milliseconds: until every delayed webhook is sent and every
 * attempt is answered or timed out. A receiver that is slower than the traffic takes longer.
 */
export function settlingMs(chaos: ChaosPolicy, retry: RetryPolicy): number {
  return latestDeliveryMs(chaos) + longestSendMs(retry);
}

/** Resolves when everything is sent and answered, or when it is aborted and what was in flight is answered. */
export async function runCallbacks({ retry, callbackUrls, ...delivering }: CallbackRun): Promise<RunOutcome> {
  const client = new CallbackClient({ retry, connections: MAX_IN_FLIGHT, hosts: CallbackHosts.of(callbackUrls) });
  delivering.signal.addEventListener('abort', () => client.giveUp());
  const outcome = await deliver(delivering, async ({ body }) => {
    const answers = await Promise.all(callbackUrls.map((url) => client.send(url, body)));
    return answers.find((answer) => !isTaken(answer)) ?? (answers[0] as Answer);
  });
  await client.close();
  return outcome;
}

/** The same with any way to send. `send` never rejects. */
export async function deliver(
  { run, chaos, signal, onCue }: Delivering,
  send: (delivery: Delivery) => Promise<Answer>,
  clock: Clock = systemClock,
): Promise<RunOutcome> {
  const tally = new Tally(clock);
  const chance = new Chaos(chaos, run.seed);
  const dispatcher = new Dispatcher<Delivery>(send, MAX_IN_FLIGHT, (_, answer) => tally.answered(answer), clock);
  signal.addEventListener('abort', () => dispatcher.stop());
  const take = (cue: Cue) => {
    const ids = idsOf(cue, run.seed);
    if (cue.index === 0) tally.came += 1;
    tally.connected += stepOf(cue).action === 'connect' ? 1 : -1;
    onCue(cue, ids, tally);
    for (const event of eventsOf(cue, ids)) {
      const telling = chance.tell(event);
      tally.told(telling);
      for (const delivery of telling.deliveries) dispatcher.add(delivery);
    }
  };
  const behindMs = await play(run, { take, room: () => dispatcher.room(), signal }, clock);
  await dispatcher.idle();
  return { tally, behindMs, wasFull: dispatcher.wasFull };
}
