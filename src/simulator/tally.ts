// What a run has done so far, in a few numbers however long it is.
import { createHistogram } from 'node:perf_hooks';
import { type Answer, isTaken } from './webhooks/callback-client.js';
import type { Telling } from './webhooks/chaos.js';

/** A busy machine is late by some of it all the time. */
const WORTH_TELLING_MS = 1_000;

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
  readonly #startMs = performance.now();
  readonly #answers = new Map<number | string, number>();
  readonly #latencyUs = createHistogram();

  told({ fate }: Telling): void {
    this.events += 1;
    if (fate === 'lost') this.lost += 1;
    if (fate === 'repeated') this.repeated += 1;
  }

  answered(answer: Answer): void {
    const { status, attempts, elapsedMs } = answer;
    this.sent += 1;
    this.retried += attempts - 1;
    if (!isTaken(answer)) this.refused += 1;
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
    this.#latencyUs.record(Math.max(1, Math.round(elapsedMs * 1_000)));
  }

  /** For people, in lines. */
  describe(behindMs: number): string {
    const elapsedS = (performance.now() - this.#startMs) / 1_000;
    const answers = [...this.#answers].map(([status, count]) => `${count} × ${status}`).join(', ') || 'none';
    const latencyMs = (percentile: number) => (this.#latencyUs.percentile(percentile) / 1_000).toFixed(1);
    const lines = [
      ['participants', `${this.came}`],
      ['webhooks', `${this.events}, of them ${this.lost} lost and ${this.repeated} repeated`],
      [
        'sent',
        `${this.sent} in ${elapsedS.toFixed(1)} s (${Math.round(this.sent / elapsedS)} a second), ${this.retried} sent again`,
      ],
      ['answers', answers],
      ...(this.sent > 0 ? [['answered in', `${latencyMs(50)} ms median, ${latencyMs(99)} ms at 99 %`]] : []),
      ...(behindMs > WORTH_TELLING_MS
        ? [['behind', `${(behindMs / 1_000).toFixed(1)} s: the receiver, or this machine, is slower than the traffic`]]
        : []),
    ];
    return lines.map(([name = '', text]) => `${name.padEnd(14)}${text}`).join('\n');
  }
}
