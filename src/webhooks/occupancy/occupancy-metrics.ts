import { Injectable } from '@nestjs/common';
import { Metrics } from '../../observability/metrics/metrics.js';
import { type DerivedEvent, OCCUPANCY_EVENT_TYPES } from './occupancy-event.js';

@Injectable()
export class OccupancyMetrics {
  readonly #events;

  constructor(private readonly metrics: Metrics) {
    this.#events = metrics.counter({
      name: 'rollcall_webhook_occupancy_events_total',
      help: 'Events about tags and rules that were derived from the feed, by type.',
      labels: ['type'],
    });
    for (const type of OCCUPANCY_EVENT_TYPES) this.#events.of(type);
  }

  derived(events: readonly DerivedEvent[]): void {
    for (const { type } of events) this.#events.of(type).value += 1;
  }

  /** `lagMs`: undefined on a process that does not derive events, and while nobody wants any. */
  showLag(lagMs: () => number | undefined): void {
    const gauge = this.metrics.gauge({
      name: 'rollcall_webhook_occupancy_lag_seconds',
      help: 'How far the events about tags and rules are behind the feed.',
      aggregation: 'max',
    });
    this.metrics.collect(() => {
      const ms = lagMs();
      if (ms !== undefined) gauge.set(ms / 1_000);
    });
  }
}
