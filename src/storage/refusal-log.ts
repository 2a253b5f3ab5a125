// Logs refusals by the store as two lines per operation, or per cause if that concerns all operations: one when they begin, one
// when they have ended. Refusals and successes can alternate, so they count as ended only after a quiet period.
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../runtime/clock.js';

/** Refusals further apart than this are logged again. */
const QUIET_MS = 5_000;

export interface Refusal {
  /** The store's error code. */
  readonly code: string;
  /** The meaning and the remedy, phrased to follow the code. */
  readonly advice: string;
  /** The store's error message. */
  readonly reason: string;
  /** It does not depend on the operation, so one line is enough for all of them. */
  readonly isGeneral?: boolean;
}

interface Episode {
  /** Of a cause that concerns all operations; else undefined. */
  readonly generalCode: string | undefined;
  readonly isLogged: boolean;
  readonly beganMs: number;
  lastMs: number;
  count: number;
  /** Set if the operation has succeeded since the last refusal. */
  cancelEnd: (() => void) | undefined;
}

export class RefusalLog {
  readonly #log: Logger;
  readonly #store: string;
  readonly #clock: Clock;
  readonly #episodes = new Map<string, Episode>();

  /** `store`: the name with which the lines begin. */
  constructor(log: Logger, store: string, clock: Clock = systemClock) {
    this.#log = log;
    this.#store = store;
    this.#clock = clock;
  }

  /** `operation`: phrased like `store callbacks`. */
  refused(operation: string, { code, advice, reason, isGeneral = false }: Refusal, count = 1): void {
    const nowMs = this.#clock.now();
    const episode = this.#episodes.get(operation);
    episode?.cancelEnd?.();
    const isKnown = isGeneral && [...this.#episodes.values()].some(({ generalCode }) => generalCode === code);
    const isLogged = episode?.isLogged ?? !isKnown;
    if (!episode && isLogged) this.#log.error({ reason }, `${this.#store} refuses to ${operation}: ${code}, ${advice}`);
    this.#episodes.set(operation, {
      generalCode: isGeneral ? code : undefined,
      isLogged,
      beganMs: episode?.beganMs ?? nowMs,
      lastMs: nowMs,
      count: (episode?.count ?? 0) + count,
      cancelEnd: undefined,
    });
  }

  accepted(operation: string): void {
    // Fast path: this runs for every batch.
    if (this.#episodes.size === 0) return;
    const episode = this.#episodes.get(operation);
    if (!episode || episode.cancelEnd) return;
    episode.cancelEnd = this.#clock.after(QUIET_MS, () => this.#end(operation, episode));
  }

  #end(operation: string, { isLogged, beganMs, lastMs, count }: Episode): void {
    this.#episodes.delete(operation);
    if (!isLogged) return;
    this.#log.info(
      { refused: count, durationMs: lastMs - beganMs },
      `${this.#store} no longer refuses to ${operation}`,
    );
  }
}
