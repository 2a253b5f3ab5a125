import { Injectable } from '@nestjs/common';
import { Metrics } from '../observability/metrics/metrics.js';
import { type Direction, driftRatio, type SourceState } from './source-state.js';

const BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

@Injectable()
export class ReconciliationMetrics {
  readonly #polls;
  readonly #duration;
  readonly #corrections;
  readonly #trips;
  readonly #questions;
  readonly #dropped;

  constructor(private readonly metrics: Metrics) {
    this.#polls = metrics.counter({
      name: 'rollcall_reconciliation_polls_total',
      help: 'Polls of the list of a provider, by outcome: complete or failed.',
      labels: ['source', 'outcome'],
    });
    this.#duration = metrics.histogram({
      name: 'rollcall_reconciliation_poll_duration_seconds',
      help: 'Duration of polls, including the comparison with the participants of the source.',
      labels: ['source'],
      buckets: BUCKETS_S,
    });
    this.#corrections = metrics.counter({
      name: 'rollcall_reconciliation_corrections_total',
      help: 'Participants who were added or removed because the provider said so.',
      labels: ['source', 'direction'],
    });
    this.#trips = metrics.counter({
      name: 'rollcall_reconciliation_fuse_trips_total',
      help: 'Lists that lacked too many participants to be believed.',
      labels: ['source'],
    });
    this.#questions = metrics.counter({
      name: 'rollcall_reconciliation_questions_total',
      help: 'Questions about single participants, by answer: present, absent, unknown or failed.',
      labels: ['source', 'answer'],
    });
    this.#dropped = metrics.counter({
      name: 'rollcall_reconciliation_questions_dropped_total',
      help: 'Questions that were not asked, because too many were waiting.',
      labels: ['source'],
    });
  }

  /** Creates the series at 0, so that the first event counts as an increase. */
  addSource(source: string): void {
    for (const outcome of ['complete', 'failed']) this.#polls.of(source, outcome);
    for (const direction of ['added', 'removed']) this.#corrections.of(source, direction);
    for (const answer of ['present', 'absent', 'unknown', 'failed']) this.#questions.of(source, answer);
    this.#trips.of(source);
    this.#dropped.of(source);
  }

  polled(source: string, outcome: 'complete' | 'failed', tookMs: number): void {
    this.#polls.of(source, outcome).value += 1;
    this.#duration.of(source).observe(tookMs / 1_000);
  }

  corrected(source: string, direction: Direction): void {
    this.#corrections.of(source, direction).value += 1;
  }

  fuseTripped(source: string): void {
    this.#trips.of(source).value += 1;
  }

  question(source: string, answer: string): void {
    this.#questions.of(source, answer).value += 1;
  }

  dropped(source: string): void {
    this.#dropped.of(source).value += 1;
  }

  /** `states`: of the sources that are polled; empty on a process that does not hold the lease. */
  showStates(intervalMs: number, states: () => ReadonlyMap<string, SourceState>): void {
    const { metrics } = this;
    const labels = ['source'];
    const interval = metrics.gauge({
      name: 'rollcall_reconciliation_interval_seconds',
      help: 'The setting RECONCILE_MS.',
      labels,
      aggregation: 'max',
    });
    const lastComplete = metrics.gauge({
      name: 'rollcall_reconciliation_last_complete_poll_timestamp_seconds',
      help: 'When the last complete poll ended; until there is one, when reconciliation began.',
      labels,
      aggregation: 'max',
    });
    const drift = metrics.gauge({
      name: 'rollcall_reconciliation_drift_ratio',
      help: 'The share of participants about which the last list and presence differed.',
      labels,
      aggregation: 'max',
    });
    const startMs = Date.now();
    metrics.collect(() => {
      for (const [source, state] of states()) {
        interval.set(intervalMs / 1_000, source);
        lastComplete.set((state.lastCompletePollAtMs ?? startMs) / 1_000, source);
        if (state.drift) drift.set(driftRatio(state.drift), source);
      }
    });
  }
}
