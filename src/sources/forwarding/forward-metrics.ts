import type { Metrics } from '../../observability/metrics/metrics.js';
import type { SpoolState } from '../../spool/spool.js';

const OUTCOMES = ['delivered', 'refused', 'dropped'] as const;

export class ForwardMetrics {
  readonly #callbacks;

  /** `isOn`: otherwise, nothing is shown. */
  constructor(
    private readonly metrics: Metrics,
    isOn: boolean,
  ) {
    this.#callbacks = metrics.counter({
      name: 'rollcall_forwarded_callbacks_total',
      help: 'Callbacks for the service in FORWARD_TO, by outcome: delivered, refused by it, or dropped because they could not be kept.',
      labels: ['outcome'],
    });
    if (isOn) for (const outcome of OUTCOMES) this.#callbacks.of(outcome);
  }

  add(outcome: (typeof OUTCOMES)[number], count: number): void {
    this.#callbacks.of(outcome).value += count;
  }

  /** `state`: undefined if callbacks are not forwarded. */
  showState(state: () => SpoolState | undefined): void {
    const { metrics } = this;
    const waiting = metrics.gauge({
      name: 'rollcall_forward_waiting_callbacks',
      help: 'Callbacks that wait for the service in FORWARD_TO.',
      aggregation: 'sum',
    });
    const age = metrics.gauge({
      name: 'rollcall_forward_oldest_age_seconds',
      help: 'Age of the oldest callback that waits for the service in FORWARD_TO; 0: none waits.',
      aggregation: 'max',
    });
    metrics.collect(() => {
      const shown = state();
      if (!shown) return;
      waiting.set(shown.events);
      age.set(shown.oldestAgeMs / 1_000);
    });
  }
}
