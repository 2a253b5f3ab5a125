import type { Metrics } from '../observability/metrics/metrics.js';
import type { Spool } from './spool.js';

/** Nothing is shown if events are not spooled. */
export function addSpoolMetrics(metrics: Metrics, spool: Spool, maxBytes: number): void {
  const gauge = (name: string, help: string, aggregation: 'sum' | 'max') => metrics.gauge({ name, help, aggregation });
  const events = gauge('rollcall_spool_events', 'Events in the spool that wait for the store.', 'sum');
  const bytes = gauge('rollcall_spool_bytes', 'Size of the events in the spool.', 'max');
  const limit = gauge('rollcall_spool_max_bytes', 'The setting SPOOL_MAX_BYTES, which limits each process.', 'max');
  const age = gauge(
    'rollcall_spool_oldest_age_seconds',
    'Age of the oldest event in the spool; 0: it is empty.',
    'max',
  );
  metrics.collect(() => {
    const { state } = spool;
    if (!state) return;
    events.set(state.events);
    bytes.set(state.bytes);
    limit.set(maxBytes);
    age.set(state.oldestAgeMs / 1_000);
  });
}
