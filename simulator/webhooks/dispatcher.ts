// Sends deliveries when they are due, with a limit on those in flight. Callers await `room` before they add more, which bounds
// the queue: a receiver that is slower than the traffic slows the traffic down.
import FlatQueue from 'flatqueue';
import { type Clock, systemClock } from '../clock.js';
import type { CallbackResponse } from './callback-client.js';

interface Due {
  /** Epoch milliseconds. */
  readonly sendAtMs: number;
}

const MAX_WAITING = 100_000;
/** A delivery this late means that the receiver does not keep up. */
const LATE_MS = 100;

export class Dispatcher<Delivery extends Due> {
  readonly #waiting = new FlatQueue<Delivery>();
  #inFlight = 0;
  #cancelTimer = () => {};
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isStopped = false;
  #wasFull = false;
  #onProgress: (() => void)[] = [];

  /** `send` must not reject. */
  constructor(
    private readonly send: (delivery: Delivery) => Promise<CallbackResponse>,
    private readonly maxInFlight: number,
    private readonly onResponse: (delivery: Delivery, response: CallbackResponse) => void,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Whether callers had to wait because too many deliveries were queued, although none was late. */
  get wasFull(): boolean {
    return this.#wasFull;
  }

  add(delivery: Delivery): void {
    this.#waiting.push(delivery, delivery.sendAtMs);
    if (delivery.sendAtMs < this.#timerAtMs) this.#pump();
  }

  /** Resolves when deliveries added now can be sent on time. */
  async room(): Promise<void> {
    while (!this.#isStopped && this.#isBehind()) await this.#progress();
  }

  /** Resolves when everything is sent and answered. */
  async idle(): Promise<void> {
    while (this.#inFlight > 0 || (this.#waiting.length > 0 && !this.#isStopped)) await this.#progress();
  }

  /** Sends nothing more; deliveries in flight are still answered. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#progressed();
  }

  #isBehind(): boolean {
    const nextMs = this.#waiting.peekValue();
    if (nextMs === undefined) return false;
    if (nextMs < this.clock.now() - LATE_MS) return true;
    const isFull = this.#waiting.length >= MAX_WAITING;
    this.#wasFull ||= isFull;
    return isFull;
  }

  #pump(): void {
    this.#cancelTimer();
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    while (!this.#isStopped && this.#inFlight < this.maxInFlight) {
      const nextMs = this.#waiting.peekValue();
      if (nextMs === undefined) return;
      const delayMs = nextMs - this.clock.now();
      if (delayMs > 0) {
        this.#timerAtMs = nextMs;
        this.#cancelTimer = this.clock.after(delayMs, () => this.#pump());
        return;
      }
      void this.#deliver(this.#waiting.pop() as Delivery);
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    this.#inFlight += 1;
    const response = await this.send(delivery);
    this.#inFlight -= 1;
    this.onResponse(delivery, response);
    this.#pump();
    this.#progressed();
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => {
      this.#onProgress.push(resolve);
    });
  }

  #progressed(): void {
    const waiting = this.#onProgress;
    this.#onProgress = [];
    for (const resolve of waiting) resolve();
  }
}
