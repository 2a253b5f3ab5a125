// What a scenario is: for each participant a short life, made of the seed and its number alone. So a million of them
// need not be held: a life is made again whenever its next step is due.
import type { Random } from '../random.js';

/**
 * `connect`: the device opens a socket. `leave`: the client says so and closes it. `lose`: the socket is dead.
 * `vanish`: as lose, or leave, but the provider never tells.
 */
export type Action = 'connect' | 'leave' | 'lose' | 'vanish';

export interface Step {
  /** From the start of the run, in milliseconds; a life's steps are in this order. */
  readonly atMs: number;
  readonly action: Action;
  /** Which of the participant's devices, counted from 1. */
  readonly device: number;
}

export interface Life {
  readonly tag: string;
  readonly steps: readonly Step[];
}

/** What lives are made for; times in milliseconds. */
export interface Stage {
  readonly participants: number;
  readonly durationMs: number;
  /** People come during this time, from the start on. */
  readonly arrivalMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly live: (participant: number, stage: Stage, random: Random) => Life;
}

/**
 * Builds one life, step by step. A life never runs past its end, whatever a scenario asks for: a device that would
 * return later does not return, so that a run of any length ends on time and its steps stay in order.
 */
export class LifeStory {
  readonly #steps: Step[] = [];
  #device = 1;
  #atMs: number;

  constructor(
    startMs: number,
    private readonly endMs: number,
  ) {
    this.#atMs = Math.min(startMs, endMs);
    this.#note('connect');
  }

  /** Whether there is that much time left. */
  hasTimeFor(durationMs: number): boolean {
    return this.#atMs + durationMs < this.endMs;
  }

  stay(durationMs: number): this {
    this.#atMs += durationMs;
    return this;
  }

  until(atMs: number): this {
    this.#atMs = Math.max(this.#atMs, atMs);
    return this;
  }

  /** The network is gone for a while, then the same device is back. */
  blip(gapMs: number): this {
    return this.#note('lose').stay(gapMs).#note('connect');
  }

  /** The page is loaded anew: the old device leaves, another one comes. */
  reload(gapMs: number): this {
    this.#note('leave').stay(gapMs);
    this.#device += 1;
    return this.#note('connect');
  }

  /** The application dies and is started again: the old device is lost, another one comes. */
  restart(gapMs: number): this {
    this.#note('lose').stay(gapMs);
    this.#device += 1;
    return this.#note('connect');
  }

  /** The last step, at the end of the life; a device that is away at that time stays away. */
  end(action: 'leave' | 'lose' | 'vanish'): readonly Step[] {
    if (this.#steps.at(-1)?.action !== 'connect') return this.#steps;
    this.#atMs = this.endMs;
    return this.#note(action).#steps;
  }

  /** Leaves out what would be after the end. Rounds down, for rounding up could be after the end as well. */
  #note(action: Action): this {
    if (this.#atMs <= this.endMs) this.#steps.push({ atMs: Math.floor(this.#atMs), action, device: this.#device });
    return this;
  }
}
