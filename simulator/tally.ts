// The totals of a run so far.
import { createHistogram } from 'node:perf_hooks';
import type { Clock } from './clock.js';
import { type CallbackResponse, isAccepted } from './webhooks/callback-client.js';
import type { DeliveryPlan } from './webhooks/chaos.js';

/** As in RunOutcome. */
interface Lag {
  readonly behindMs: number;
  readonly wasFull: boolean;
}

/** Smaller delays are normal on a busy machine, and not reported. */
const MIN_REPORTED_LAG_MS = 1_000;
const TOO_SLOW = 'the receiver, or this machine, is slower than the traffic';
const TOO_MANY_DELAYED = 'more delayed webhooks than this command can hold; use less delay or fewer participants';

export class Tally {
  /** Participants who have arrived so far. */
  came = 0;
  /** Devices that are connected. */
  connected = 0;
  /** Webhooks before losses and duplicates. */
  events = 0;
  lost = 0;
  duplicated = 0;
  sent = 0;
  refused = 0;
  /** Further attempts, because a webhook was not accepted. */
  retried = 0;
  readonly #responses = new Map<number | string, number>();
  readonly #latencyUs = createHistogram();
  readonly #startMs: number;
  #answeredMs: number;

  constructor(private readonly clock: Clock) {
    this.#startMs = clock.now();
    this.#answeredMs = this.#startMs;
  }

  addEvent({ outcome }: DeliveryPlan): void {
    this.events += 1;
    if (outcome === 'lost') this.lost += 1;
    if (outcome === 'duplicated') this.duplicated += 1;
  }

  addResponse(response: CallbackResponse): void {
    const { status, attempts, elapsedMs } = response;
    this.sent += 1;
    this.#answeredMs = this.clock.now();
    this.retried += attempts - 1;
    if (!isAccepted(response)) this.refused += 1;
    this.#responses.set(status, (this.#responses.get(status) ?? 0) + 1);
    this.#latencyUs.record(Math.max(1, Math.round(elapsedMs * 1_000)));
  }

  /** A summary in several lines. */
  describe({ behindMs, wasFull }: Lag): string {
    // Until the last response, which may be long ago. A run shorter than a millisecond has no meaningful rate.
    const elapsedS = (this.#answeredMs - this.#startMs) / 1_000;
    const perSecond = Math.round(this.sent / Math.max(elapsedS, 0.001));
    const responses = [...this.#responses].map(([status, count]) => `${count} × ${status}`).join(', ') || 'none';
    const latencyMs = (percentile: number) => (this.#latencyUs.percentile(percentile) / 1_000).toFixed(1);
    const lines = [
      ['participants', `${this.came}`],
      ['webhooks', `${this.events}, of which ${this.lost} lost and ${this.duplicated} duplicated`],
      ['sent', `${this.sent} in ${elapsedS.toFixed(1)} s (${perSecond} per second), ${this.retried} sent again`],
      ['responses', responses],
      ...(this.sent > 0 ? [['latency', `${latencyMs(50)} ms median, ${latencyMs(99)} ms at 99 %`]] : []),
      ...(behindMs > MIN_REPORTED_LAG_MS
        ? [['behind', `${(behindMs / 1_000).toFixed(1)} s: ${wasFull ? TOO_MANY_DELAYED : TOO_SLOW}`]]
        : []),
    ];
    return lines.map(([name = '', text]) => `${name.padEnd(14)}${text}`).join('\n');
  }
}
