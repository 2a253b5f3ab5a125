import type { Metrics } from '../observability/metrics/metrics.js';
import type { QuarantineStore } from '../storage/ports.js';

/** `droppedCount`: of this process, since its start. */
export function addQuarantineMetrics(metrics: Metrics, store: QuarantineStore, droppedCount: () => number): void {
  const entries = metrics.gauge({
    name: 'rollcall_quarantine_entries',
    help: 'Callbacks in the quarantine: those that were refused or not understood.',
    aggregation: 'max',
  });
  const dropped = metrics.counter({
    name: 'rollcall_quarantine_dropped_total',
    help: 'Refused callbacks that were not kept: too many at the same time, or the store did not take them.',
  });
  metrics.collect(async () => {
    dropped.of().value = droppedCount();
    entries.set(await store.size());
  });
}
