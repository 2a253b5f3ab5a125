// What a store refuses, as two lines: one when refusals of an operation begin, one when they have ended. Some callbacks may
// be refused while others are stored, so an end is believed only after a while without refusals.
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../runtime/clock.js';

/** Refusals that are further apart are told of anew. */
const QUIET_MS = 5_000;

export interface Refusal {
  /** The store's own code word. */
  readonly code: string;
  /** What it means and what to do, to follow the code. */
  readonly advice: string;
  /** In the store's words. */
  readonly reason: string;
}

interface Episode {
  readonly beganMs: number;
  lastMs: number;
  count: number;
  /** Set when the operation has succeeded since the last refusal. */
  cancelEnd: (() => void) | undefined;
}

export class RefusalLog {
  readonly #log: Logger;
  readonly #store: string;
  readonly #clock: Clock;
  readonly #episodes = new Map<string, Episode>();

  /** `store`: its name, with which the lines begin. */
  constructor(log: Logger, store: string, clock: Clock = systemClock) {
    this.#log = log;
    this.#store = store;
    this.#clock = clock;
  }

  /** `operation`: what the store is to do, like `store callbacks`. */
  refused(operation: string, { code, advice, reason }: Refusal, count = 1): void {
    const nowMs = this.#clock.now();
    const episode = this.#episodes.get(operation);
    episode?.cancelEnd?.();
    if (!episode) this.#log.error({ reason }, `${this.#store} refuses to ${operation}: ${code}, ${advice}`);
    this.#episodes.set(operation, {
      beganMs: episode?.beganMs ?? nowMs,
      lastMs: nowMs,
      count: (episode?.count ?? 0) + count,
      cancelEnd: undefined,
    });
  }

  accepted(operation: string): void {
    // As good as always, and asked for each batch.
    if (this.#episodes.size === 0) return;
    const episode = this.#episodes.get(operation);
    if (!episode || episode.cancelEnd) return;
    episode.cancelEnd = this.#clock.after(QUIET_MS, () => this.#end(operation, episode));
  }

  #end(operation: string, { beganMs, lastMs, count }: Episode): void {
    this.#episodes.delete(operation);
    this.#log.info(
      { refused: count, durationMs: lastMs - beganMs },
      `${this.#store} no longer refuses to ${operation}`,
    );
  }
}
