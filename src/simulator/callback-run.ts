// A scenario from its first step to the last answer: what the commands `simulate` and `accuracy` both do.
import { type Cue, play, type RunOptions } from './scenarios/run.js';
import { eventsOf, type Ids, idsOf, stepOf } from './scenarios/traffic.js';
import { Tally } from './tally.js';
import { type Answer, CallbackClient, isTaken, type RetryPolicy } from './webhooks/callback-client.js';
import { Chaos, type ChaosPolicy, type Delivery } from './webhooks/chaos.js';
import { Dispatcher } from './webhooks/dispatcher.js';

export interface CallbackRun {
  readonly run: RunOptions;
  readonly chaos: ChaosPolicy;
  readonly retry: RetryPolicy;
  /** Each gets the same deliveries at the same moments. */
  readonly callbackUrls: readonly string[];
  readonly signal: AbortSignal;
  /** Called for each step of the truth, before anything is told of it. */
  readonly onCue: (cue: Cue, ids: Ids, tally: Tally) => void;
}

export interface RunOutcome {
  readonly tally: Tally;
  readonly behindMs: number;
}

const MAX_IN_FLIGHT = 128;

/** Resolves when all is told and answered, or when it was aborted. */
export async function runCallbacks({
  run,
  chaos,
  retry,
  callbackUrls,
  signal,
  onCue,
}: CallbackRun): Promise<RunOutcome> {
  const tally = new Tally();
  const client = new CallbackClient(retry, MAX_IN_FLIGHT);
  const chance = new Chaos(chaos, run.seed);
  const sendToAll = async (body: string): Promise<Answer> => {
    const answers = await Promise.all(callbackUrls.map((url) => client.send(url, body)));
    return answers.find((answer) => !isTaken(answer)) ?? (answers[0] as Answer);
  };
  const dispatcher = new Dispatcher<Delivery>(
    ({ body }) => sendToAll(body),
    MAX_IN_FLIGHT,
    (_, answer) => tally.answered(answer),
  );
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
  const behindMs = await play(run, { take, room: () => dispatcher.room(), signal });
  await dispatcher.idle();
  await client.close();
  return { tally, behindMs };
}
