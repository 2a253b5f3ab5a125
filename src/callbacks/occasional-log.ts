// Lines about things that senders do: told of, but never once per callback.
import type { Logger } from 'pino';

const PERIOD_MS = 60_000;
const MAX_NAMES = 100;

/** Counts something, and tells of it at most once a minute, with the count. */
export class OccasionalLog {
  #count = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly log: Logger,
    private readonly message: string,
  ) {}

  add(facts: Record<string, unknown>, nowMs: number): void {
    this.#count += 1;
    if (nowMs - this.#toldAtMs < PERIOD_MS) return;
    this.#toldAtMs = nowMs;
    this.log.warn({ ...facts, countSinceStart: this.#count }, this.message);
  }
}

/** Whether a name is new; of the first hundred names, since a sender may make up any number of them. */
export class KnownNames {
  readonly #names = new Set<string>();

  isNew(name: string): boolean {
    if (this.#names.has(name) || this.#names.size >= MAX_NAMES) return false;
    this.#names.add(name);
    return true;
  }
}
