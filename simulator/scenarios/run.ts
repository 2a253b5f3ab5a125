// Plays a scenario in real time. Each participant has one entry in a queue, for its next step; nothing else is held of
// it, so that a million take no more memory than their numbers.
import { setImmediate as nextTurn } from 'node:timers/promises';
import FlatQueue from 'flatqueue';
import { type Clock, sleep, systemClock } from '../clock.js';
import { randomOf } from '../random.js';
import type { Life, Scenario, Stage } from './scenario.js';

export interface RunOptions extends Stage {
  readonly scenario: Scenario;
  readonly seed: number;
}

/** A step that is to be taken now. */
export interface Cue {
  readonly participant: number;
  readonly life: Life;
  /** Of the step, in the life. */
  readonly index: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

export interface Player {
  readonly take: (cue: Cue) => void;
  /** The next step waits for it; a run that has to wait takes all its later steps later by as much. */
  readonly room: () => Promise<void>;
  /** Ends the run early. */
  readonly signal: AbortSignal;
}

/** A stay of less is a timer's inaccuracy, not a run that has to wait. */
const TOLERANCE_MS = 50;

/** Resolves with how long the run fell behind, in milliseconds, when the last step is taken. */
export async function play(
  { scenario, seed, ...stage }: RunOptions,
  { take, room, signal }: Player,
  clock: Clock = systemClock,
): Promise<number> {
  const lifeOf = (participant: number) => scenario.live(participant, stage, randomOf(seed, participant + 1));
  const queue = new FlatQueue<number>(stage.participants);
  const taken = new Uint32Array(stage.participants);
  for (let n = 0; n < stage.participants; n += 1) {
    // A million lives take a while to make; the signal has to get through meanwhile.
    if (n % 1_000 === 999) await nextTurn();
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
