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

/** All steps of a run in chronological order. Holds only the next step of each participant. */
export class StepQueue {
  readonly #queue: FlatQueue<number>;
  readonly #taken: Uint32Array;

  constructor(private readonly options: RunOptions) {
    this.#queue = new FlatQueue(options.participants);
    this.#taken = new Uint32Array(options.participants);
  }

  /** Must be called once for each participant before anything is taken. */
  add(participant: number): void {
    this.#queue.push(participant, this.#lifeOf(participant).steps[0]?.atMs ?? 0);
  }

  /** When the next step is due, in milliseconds from the start of the run; undefined after the last one. */
  get nextMs(): number | undefined {
    return this.#queue.peekValue();
  }

  take(): Omit<Cue, 'atMs'> {
    const participant = this.#queue.pop() as number;
    const life = this.#lifeOf(participant);
    const index = this.#taken[participant] ?? 0;
    this.#taken[participant] = index + 1;
    const next = life.steps[index + 1];
    if (next) this.#queue.push(participant, next.atMs);
    return { participant, life, index };
  }

  #lifeOf(participant: number): Life {
    const { scenario, seed, ...stage } = this.options;
    return scenario.live(participant, stage, randomOf(seed, participant + 1));
  }
}

/** Smaller delays are timer inaccuracy, not a run that falls behind. */
const TOLERANCE_MS = 50;

/** Resolves after the last step with how far the run fell behind, in milliseconds. */
export async function play(
  options: RunOptions,
  { take, room, signal }: Player,
  clock: Clock = systemClock,
): Promise<number> {
  const queue = new StepQueue(options);
  for (let n = 0; n < options.participants; n += 1) {
    // Building a million lives takes a while; yield, so that the signal is received.
    if (n % 1_000 === 999) await nextTick();
    if (signal.aborted) return 0;
    queue.add(n);
  }
  const startMs = clock.now();
  let behindMs = 0;
  for (let dueMs = queue.nextMs; dueMs !== undefined; dueMs = queue.nextMs) {
    await room();
    const earlyMs = startMs + behindMs + dueMs - clock.now();
    if (earlyMs > 0) await sleep(clock, earlyMs, signal);
    if (signal.aborted) break;
    if (earlyMs < -TOLERANCE_MS) behindMs -= earlyMs;
    take({ ...queue.take(), atMs: startMs + behindMs + dueMs });
  }
  return behindMs;
}
