// Plays a scenario in real time. A participant takes only one queue entry, for its next step, so that a million participants
// need little memory.
import { setImmediate as nextTick } from 'node:timers/promises';
import FlatQueue from 'flatqueue';
import { type Clock, sleep, systemClock } from '../clock.js';
import { randomOf } from '../random.js';
import type { Life, Scenario, Stage } from './scenario.js';

export interface RunOptions extends Stage {
  readonly scenario: Scenario;
  readonly seed: number;
}

/** A step that is due now. */
export interface Cue {
  readonly participant: number;
  readonly life: Life;
  /** The index of the step in the life. */
  readonly index: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

export interface Player {
  readonly take: (cue: Cue) => void;
  /** Awaited before each step; a delay here postpones all later steps by the same time. */
  readonly room: () => Promise<void>;
  /** Ends the run early. */
  readonly signal: AbortSignal;
}

/** Smaller delays are timer inaccuracy, not a run that falls behind. */
const TOLERANCE_MS = 50;

/** Resolves after the last step with how far the run fell behind, in milliseconds. */
export async function play(
  { scenario, seed, ...stage }: RunOptions,
  { take, room, signal }: Player,
  clock: Clock = systemClock,
): Promise<number> {
  const lifeOf = (participant: number) => scenario.live(participant, stage, randomOf(seed, participant + 1));
  const queue = new FlatQueue<number>(stage.participants);
  const taken = new Uint32Array(stage.participants);
  for (let n = 0; n < stage.participants; n += 1) {
    // Building a million lives takes a while; yield, so that the signal is received.
    if (n % 1_000 === 999) await nextTick();
    if (signal.aborted) return 0;
    queue.push(n, lifeOf(n).steps[0]?.atMs ?? 0);
  }
  const startMs = clock.now();
  let behindMs = 0;
  for (let dueMs = queue.peekValue(); dueMs !== undefined; dueMs = queue.peekValue()) {
    await room();
    const earlyMs = startMs + behindMs + dueMs - clock.now();
    if (earlyMs > 0) await sleep(clock, earlyMs, signal);
    if (signal.aborted) break;
    if (earlyMs < -TOLERANCE_MS) behindMs -= earlyMs;
    const participant = queue.pop() as number;
    const life = lifeOf(participant);
    const index = taken[participant] ?? 0;
    taken[participant] = index + 1;
    take({ participant, life, index, atMs: startMs + behindMs + dueMs });
    const next = life.steps[index + 1];
    if (next) queue.push(participant, next.atMs);
  }
  return behindMs;
}
