// Graceful shutdown in two phases. On SIGTERM the service first drains: an orchestrator signals the process and updates its
// load balancer at the same time, so new requests keep arriving for a while. During the delay they are served while readiness
// fails. Then the service closes. On Ctrl-C, or when a worker's primary has exited, it closes without the delay.
import type { Clock } from './clock.js';
import type { StopReason } from './stop-requests.js';

/**
 * One request can arrive twice: npm forwards signals that a terminal already sent to the whole process group, and so does a
 * primary to its workers. A signal that follows the first within this time counts as the same request.
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
  #startedAtMs: number | undefined;
  #isClosing = false;
  #cancelDelay = () => {};

  constructor(delayMs: number, clock: Clock, steps: ShutdownSteps) {
    this.#delayMs = delayMs;
    this.#clock = clock;
    this.#steps = steps;
  }

  /** The first request starts the shutdown; a second one ends the delay. */
  request(reason: StopReason): void {
    const nowMs = this.#clock.now();
    const isFirst = this.#startedAtMs === undefined;
    const isRepeated = nowMs - (this.#startedAtMs ?? nowMs) < SAME_REQUEST_MS;
    if (isFirst) {
      this.#startedAtMs = nowMs;
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
