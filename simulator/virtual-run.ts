// A run in virtual time: all events and deliveries with their times, computed without waiting. With the same options, a run in
// real time has the same events and the same chaos.
import { allowanceOf } from './judge/allowance.js';
import type { Allowance } from './judge/spans.js';
import { Truth } from './judge/truth.js';
import { type Unreported, unreportedOf } from './judge/unreported.js';
import { eventsOfStep, type PlayedStep, playedStep, recordStep, type StepEvents } from './played-step.js';
import { type RunOptions, StepQueue } from './scenarios/run.js';
import { stepOf } from './scenarios/traffic.js';
import { Chaos, type ChaosPolicy, type Delivery } from './webhooks/chaos.js';

/** The events of a run, before chaos. */
export interface Timeline {
  readonly run: RunOptions;
  readonly startMs: number;
  readonly steps: readonly StepEvents[];
}

/** One socket as the provider knows it, and as its API would return it. */
interface ProviderSocket {
  readonly deviceId: string;
  readonly openedAtMs: number;
  /** Infinity: the provider never notices its end. */
  noticedAtMs: number;
  /** When its device vanished, if it did. */
  vanishedAtMs: number;
}

interface ParticipantTraffic {
  readonly participantId: string;
  /** In the order of arrival. */
  readonly deliveries: Delivery[];
  /** In chronological order. */
  readonly unreported: Unreported[];
  readonly sockets: ProviderSocket[];
}

export interface VirtualRun {
  readonly truth: Truth;
  readonly participants: readonly ParticipantTraffic[];
  readonly allowance: Allowance;
  readonly startMs: number;
  /** When every loss within the run is final and known. */
  readonly untilMs: number;
}

/** Arbitrary: nothing depends on it. */
const START_MS = 1_800_000_000_000;

/** One timeline serves any chaos: building it takes longer than the rest of a run. */
export function timelineOf(run: RunOptions): Timeline {
  const queue = new StepQueue(run);
  for (let n = 0; n < run.participants; n += 1) queue.add(n);
  const steps: StepEvents[] = [];
  for (let dueMs = queue.nextMs; dueMs !== undefined; dueMs = queue.nextMs) {
    steps.push(eventsOfStep({ ...queue.take(), atMs: START_MS + dueMs }, run.seed));
  }
  return { run, startMs: START_MS, steps };
}

/** `graceMs`: how long a receiver may wait before it reports a loss. */
export function virtualRunOf({ run, startMs, steps }: Timeline, policy: ChaosPolicy, graceMs: number): VirtualRun {
  const chaos = new Chaos(policy, run.seed);
  const truth = new Truth(graceMs);
  const allowance = allowanceOf(policy, graceMs);
  const participants = new Map<string, ParticipantTraffic>();
  for (const events of steps) {
    const step = playedStep(events, chaos);
    const { participantId } = step.ids;
    const traffic = participants.get(participantId) ?? { participantId, deliveries: [], unreported: [], sockets: [] };
    participants.set(participantId, traffic);
    recordStep(truth, step);
    addStep(traffic, step);
  }
  for (const { deliveries } of participants.values()) deliveries.sort((a, b) => a.sendAtMs - b.sendAtMs);
  const untilMs = startMs + run.durationMs + graceMs + allowance.deliveryMs;
  return { truth, participants: [...participants.values()], allowance, startMs, untilMs };
}

function addStep({ deliveries, unreported, sockets }: ParticipantTraffic, step: PlayedStep): void {
  const { cue, ids, plans } = step;
  const { deviceId } = ids;
  deliveries.push(...plans.flatMap((plan) => plan.deliveries));
  unreported.push(...unreportedOf(step));
  const { action } = stepOf(cue);
  if (action === 'connect') {
    const never = Number.POSITIVE_INFINITY;
    sockets.push({ deviceId, openedAtMs: cue.atMs, noticedAtMs: never, vanishedAtMs: never });
    return;
  }
  const closed = sockets.findLast((socket) => socket.deviceId === deviceId);
  if (closed && action === 'vanish') closed.vanishedAtMs = cue.atMs;
  const noticedAtMs = plans.map((plan) => plan.noticedAtMs);
  if (closed && noticedAtMs.length > 0) closed.noticedAtMs = Math.max(...noticedAtMs);
}
