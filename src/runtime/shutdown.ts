// The end of the service, in two parts. On SIGTERM it first drains: an orchestrator tells the process and its load balancer at
// the same time, so requests keep coming for a while. They are served, and readiness fails, for the delay. Then it closes.
// Nobody waits on Ctrl-C, nor when the primary has gone: nothing new can come.
import type { Clock } from './clock.js';
import type { StopReason } from './stop-requests.js';

/**
 * npm passes on what a terminal or a supervisor has sent to the whole group, and a primary to its workers. What comes this
 * soon after the first is taken for the same request.
 */
const SAME_REQUEST_MS = 1_000;

export interface ShutdownSteps {
  readonly begin: (reason: StopReason) => void;
  readonly drain: () => void;
  readonly close: () => void;
}

export class Shutdown {
  readonly #delayMs: number;
  readonly #clock: Clock;
  readonly #steps: ShutdownSteps;
  #begunAtMs: number | undefined;
  #isClosing = false;
  #cancelDelay = () => {};

  constructor(delayMs: number, clock: Clock, steps: ShutdownSteps) {
    this.#delayMs = delayMs;
    this.#clock = clock;
    this.#steps = steps;
  }

  /** The first request begins it. A second one ends the delay. */
  request(reason: StopReason): void {
    const nowMs = this.#clock.now();
    const isFirst = this.#begunAtMs === undefined;
    const isRepeated = nowMs - (this.#begunAtMs ?? nowMs) < SAME_REQUEST_MS;
    if (isFirst) {
      this.#begunAtMs = nowMs;
      this.#steps.begin(reason);
    }
    if (reason !== 'SIGTERM' || this.#delayMs === 0 || !isRepeated) this.#close();
    else if (isFirst) this.#drain();
  }

  #drain(): void {
    this.#steps.drain();
    this.#cancelDelay = this.#clock.after(this.#delayMs, () => this.#close());
  }

  #close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#cancelDelay();
    this.#steps.close();
  }
}
