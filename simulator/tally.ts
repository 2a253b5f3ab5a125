// What a run has done so far, in a few numbers however long it is.
import { createHistogram } from 'node:perf_hooks';
import type { Clock } from './clock.js';
import { type Answer, isTaken } from './webhooks/callback-client.js';
import type { Telling } from './webhooks/chaos.js';

/** How far a run fell behind its schedule, and why: as in RunOutcome. */
interface Lag {
  readonly behindMs: number;
  readonly wasFull: boolean;
}

/** A busy machine is late by some of it all the time. */
const WORTH_TELLING_MS = 1_000;
const TOO_SLOW = 'the receiver, or this machine, is slower than the traffic';
const TOO_MANY_DELAYED = 'more delayed webhooks than this command can hold; use less delay or fewer participants';

export class Tally {
  /** Participants who have come so far. */
  came = 0;
  /** Devices that are connected. */
  connected = 0;
  /** Webhooks that the truth asked for. */
  events = 0;
  lost = 0;
  repeated = 0;
  sent = 0;
  refused = 0;
  /** How often one was sent again because it was not taken. */
  retried = 0;
  readonly #answers = new Map<number | string, number>();
  readonly #latencyUs = createHistogram();
  readonly #startMs: number;
  #answeredMs: number;

  constructor(private readonly clock: Clock) {
    this.#startMs = clock.now();
    this.#answeredMs = this.#startMs;
  }

  told({ fate }: Telling): void {
    this.events += 1;
    if (fate === 'lost') this.lost += 1;
    if (fate === 'repeated') this.repeated += 1;
  }

  answered(answer: Answer): void {
    const { status, attempts, elapsedMs } = answer;
    this.sent += 1;
    this.#answeredMs = this.clock.now();
    this.retried += attempts - 1;
    if (!isTaken(answer)) this.refused += 1;
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
    this.#latencyUs.record(Math.max(1, Math.round(elapsedMs * 1_000)));
  }

  /** For people, in lines. */
  describe({ behindMs, wasFull }: Lag): string {
    // Up to the last answer, for it may be long ago. A run of less than a millisecond has no rate.
    const elapsedS = (this.#answeredMs - this.#startMs) / 1_000;
    const perSecond = Math.round(this.sent / Math.max(elapsedS, 0.001));
    const answers = [...this.#answers].map(([status, count]) => `${count} × ${status}`).join(', ') || 'none';
    const latencyMs = (percentile: number) => (this.#latencyUs.percentile(percentile) / 1_000).toFixed(1);
    const lines = [
      ['participants', `${this.came}`],
      ['webhooks', `${this.events}, of them ${this.lost} lost and ${this.repeated} repeated`],
      ['sent', `${this.sent} in ${elapsedS.toFixed(1)} s (${perSecond} a second), ${this.retried} sent again`],
      ['answers', answers],
      ...(this.sent > 0 ? [['answered in', `${latencyMs(50)} ms median, ${latencyMs(99)} ms at 99 %`]] : []),
      ...(behindMs > WORTH_TELLING_MS
        ? [['behind', `${(behindMs / 1_000).toFixed(1)} s: ${wasFull ? TOO_MANY_DELAYED : TOO_SLOW}`]]
        : []),
    ];
    return lines.map(([name = '', text]) => `${name.padEnd(14)}${text}`).join('\n');
  }
}
