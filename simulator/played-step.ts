// One step of a run and the deliveries of its events: the same in real and in virtual time.
import { leaveKindOf, type Truth } from './judge/truth.js';
import type { Cue } from './scenarios/run.js';
import { eventsOf, type Ids, idsOf, stepOf } from './scenarios/traffic.js';
import type { Chaos, DeliveryPlan } from './webhooks/chaos.js';
import type { SignallingEvent } from './webhooks/signalling-event.js';

/** Before chaos. */
export interface StepEvents {
  readonly cue: Cue;
  readonly ids: Ids;
  readonly events: readonly SignallingEvent[];
}

export interface PlayedStep {
  readonly cue: Cue;
  readonly ids: Ids;
  /** One for each of its events, in order. */
  readonly plans: readonly DeliveryPlan[];
}

export function eventsOfStep(cue: Cue, seed: number): StepEvents {
  const ids = idsOf(cue, seed);
  return { cue, ids, events: eventsOf(cue, ids) };
}

/** Steps must be given in chronological order, since each event takes the next random values of the chaos. */
export function playedStep({ cue, ids, events }: StepEvents, chaos: Chaos): PlayedStep {
  return { cue, ids, plans: events.map((event) => chaos.plan(event)) };
}

/** Adds the step to the truth. */
export function recordStep(truth: Truth, { cue, ids, plans }: PlayedStep): void {
  const { participantId, deviceId } = ids;
  const { action } = stepOf(cue);
  if (action === 'connect') truth.connect(participantId, deviceId, cue.atMs);
  else truth.end(participantId, deviceId, cue.atMs, action === 'leave' ? leaveKindOf(plans) : 'lost');
}
