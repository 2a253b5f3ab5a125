// A scenario gives each participant a short life, which depends only on the seed and the participant's number. So lives are
// not kept in memory: a life is rebuilt whenever its next step is due.
import type { Random } from '../random.js';

/**
 * `connect`: the device opens a socket. `leave`: the client announces it and closes the socket. `lose`: the socket is dead.
 * `vanish`: the device is gone, but the provider never reports it.
 */
export type Action = 'connect' | 'leave' | 'lose' | 'vanish';

export interface Step {
  /** Milliseconds from the start of the run; the steps of a life are in this order. */
  readonly atMs: number;
  readonly action: Action;
  /** Which of the participant's devices, counted from 1. */
  readonly device: number;
}

export interface Life {
  readonly tag: string;
  readonly steps: readonly Step[];
}

/** The size of a run; times in milliseconds. */
export interface Stage {
  readonly participants: number;
  readonly durationMs: number;
  /** All participants arrive within this time from the start. */
  readonly arrivalMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** The length of a run, unless another one is asked for; undefined: the default of the commands. */
  readonly durationMs?: number;
  /** Whether a participant may be connected with several devices at the same time. */
  readonly devicesAtOnce: 'one' | 'many';
  readonly live: (participant: number, stage: Stage, random: Random) => Life;
}

/**
 * Builds one life, step by step. No step is later than the end of the life: a device that would return later does not
 * return, so that runs of any length end on time and their steps stay in order.
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

  /** Whether at least this much time is left. */
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

  /** The network fails for a while, then the same device reconnects. */
  blip(gapMs: number): this {
    return this.#note('lose').stay(gapMs).#note('connect');
  }

  /** The page is reloaded: the device leaves, and a new one connects. */
  reload(gapMs: number): this {
    this.#note('leave').stay(gapMs);
    this.#device += 1;
    return this.#note('connect');
  }

  /** The application crashes and restarts: the device is lost, and a new one connects. */
  restart(gapMs: number): this {
    this.#note('lose').stay(gapMs);
    this.#device += 1;
    return this.#note('connect');
  }

  /** Adds the last step, at the end of the life; a device that is away then stays away. */
  end(action: 'leave' | 'lose' | 'vanish'): readonly Step[] {
    if (this.#steps.at(-1)?.action !== 'connect') return this.#steps;
    this.#atMs = this.endMs;
    return this.#note(action).#steps;
  }

  /** Omits steps after the end of the life. Rounds down, since rounding up could exceed it. */
  #note(action: Action): this {
    if (this.#atMs <= this.endMs) this.#steps.push({ atMs: Math.floor(this.#atMs), action, device: this.#device });
    return this;
  }
}
