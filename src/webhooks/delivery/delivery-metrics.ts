import { Injectable } from '@nestjs/common';
import { Metrics } from '../../observability/metrics/metrics.js';
import type { Attempt } from './delivery-records.js';

const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

@Injectable()
export class DeliveryMetrics {
  readonly #attempts;
  readonly #durations;
  readonly #deadLetters;
  readonly #gaps;
  /** The endpoints that may have some. */
  readonly withDeadLetters = new Set<string>();

  constructor(metrics: Metrics) {
    this.#attempts = metrics.counter({
      name: 'rollcall_webhook_attempts_total',
      help: 'Requests to the endpoints of webhooks, by outcome: delivered, refused or unanswered.',
      labels: ['outcome'],
    });
    for (const outcome of ['delivered', 'refused', 'unanswered']) this.#attempts.of(outcome);
    this.#durations = metrics
      .histogram({
        name: 'rollcall_webhook_duration_seconds',
        help: 'Duration of the requests to the endpoints of webhooks.',
        buckets: BUCKETS_S,
      })
      .of();
    this.#deadLetters = metrics
      .counter({
        name: 'rollcall_webhook_dead_letters_total',
        help: 'Messages that became dead letters, because their endpoint refused them for too long.',
      })
      .of();
    this.#gaps = metrics
      .counter({
        name: 'rollcall_webhook_gaps_total',
        help: 'Times that changes could not be sent to an endpoint, because they had left the feed.',
      })
      .of();
  }

  attempted({ status, durationMs }: Attempt): void {
    const isDelivered = status !== undefined && status >= 200 && status < 300;
    this.#attempts.of(isDelivered ? 'delivered' : status === undefined ? 'unanswered' : 'refused').value += 1;
    this.#durations.observe(durationMs / 1_000);
  }

  deadLetterAdded(endpointId: string): void {
    this.#deadLetters.value += 1;
    this.withDeadLetters.add(endpointId);
  }

  gapFound(): void {
    this.#gaps.value += 1;
  }
}
