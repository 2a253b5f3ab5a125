// Sends deliveries when they are due, so many at once at the most. What waits is bounded by whoever adds asking for
// room first: a receiver that is slower than the traffic slows the traffic down.
import FlatQueue from 'flatqueue';
import { type Clock, systemClock } from '../clock.js';
import type { Answer } from './callback-client.js';

interface Due {
  /** Epoch milliseconds. */
  readonly sendAtMs: number;
}

const MAX_WAITING = 100_000;
/** A delivery this late says that the receiver does not keep up. */
const LATE_MS = 100;

export class Dispatcher<Delivery extends Due> {
  readonly #waiting = new FlatQueue<Delivery>();
  #inFlight = 0;
  #cancelTimer = () => {};
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isStopped = false;
  #wasFull = false;
  #onProgress: (() => void)[] = [];

  /** `send` never rejects. */
  constructor(
    private readonly send: (delivery: Delivery) => Promise<Answer>,
    private readonly maxInFlight: number,
    private readonly onAnswer: (delivery: Delivery, answer: Answer) => void,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Whether anybody had to wait for room though no delivery was late: too many were waiting for their time. */
  get wasFull(): boolean {
    return this.#wasFull;
  }

  add(delivery: Delivery): void {
    this.#waiting.push(delivery, delivery.sendAtMs);
    if (delivery.sendAtMs < this.#timerAtMs) this.#pump();
  }

  /** Resolves when what is added now will go out about when it is due. */
  async room(): Promise<void> {
    while (!this.#isStopped && this.#isBehind()) await this.#progress();
  }

  /** Resolves when all is sent and answered. */
  async idle(): Promise<void> {
    while (this.#inFlight > 0 || (this.#waiting.length > 0 && !this.#isStopped)) await this.#progress();
  }

  /** What is in flight is still answered, nothing more is sent. */
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
    const answer = await this.send(delivery);
    this.#inFlight -= 1;
    this.onAnswer(delivery, answer);
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
