// Logs how the spool is emptied: its beginning and its end, and the progress in between while events are applied.
import type { Logger } from 'pino';
import type { Clock } from '../runtime/clock.js';

const REPORT_MS = 10_000;

export class DrainLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #eventsLeft: () => number;
  #beganMs = 0;
  #applied = 0;
  #cancel = () => {};

  constructor(clock: Clock, log: Logger, eventsLeft: () => number) {
    this.#clock = clock;
    this.#log = log;
    this.#eventsLeft = eventsLeft;
  }

  begin(): void {
    this.#beganMs = this.#clock.now();
    this.#applied = 0;
    this.#log.warn({ events: this.#eventsLeft() }, 'events are spooled until the store can take them');
    this.#reportAfter(this.#beganMs, 0);
  }

  applied(count: number): void {
    this.#applied += count;
  }

  end(): void {
    this.#cancel();
    if (this.#eventsLeft() > 0) return;
    const facts = { events: this.#applied, durationMs: this.#clock.now() - this.#beganMs };
    this.#log.info(facts, 'all spooled events have been applied');
  }

  /** Says nothing while the store is unavailable. */
  #reportAfter(sinceMs: number, appliedBefore: number): void {
    this.#cancel = this.#clock.after(REPORT_MS, () => {
      const [nowMs, applied] = [this.#clock.now(), this.#applied];
      const perSecond = Math.round(((applied - appliedBefore) * 1_000) / (nowMs - sinceMs));
      if (applied > appliedBefore) this.#log.info({ events: this.#eventsLeft(), perSecond }, 'applying spooled events');
      this.#reportAfter(nowMs, applied);
    });
  }
}
