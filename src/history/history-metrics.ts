import { Injectable } from '@nestjs/common';
import { Metrics } from '../observability/metrics/metrics.js';

@Injectable()
export class HistoryMetrics {
  readonly #changes;
  readonly #rows;
  readonly #gaps;
  readonly #errors;

  constructor(private readonly metrics: Metrics) {
    this.#changes = metrics.counter({
      name: 'rollcall_history_changes_total',
      help: 'Changes of the feed that were written to history.',
    });
    this.#rows = metrics.counter({
      name: 'rollcall_history_rows_total',
      help: 'Connections that these changes added or corrected.',
    });
    this.#gaps = metrics.counter({
      name: 'rollcall_history_gaps_total',
      help: 'Periods whose changes are missing, because they had left the feed before they were read.',
    });
    this.#errors = metrics.counter({
      name: 'rollcall_history_errors_total',
      help: 'Failed attempts to read the feed or to write to history; each is repeated.',
    });
  }

  projected(changes: number, rows: number): void {
    this.#changes.of().value += changes;
    this.#rows.of().value += rows;
  }

  failed(): void {
    this.#errors.of().value += 1;
  }

  gapFound(): void {
    this.#gaps.of().value += 1;
  }

  /** `readUntilMs`: undefined on a process that does not write history. */
  showReadUntil(readUntilMs: () => number | undefined): void {
    const gauge = this.metrics.gauge({
      name: 'rollcall_history_read_until_timestamp_seconds',
      help: 'Time up to which all changes are in history; until that is known, when the process started.',
      aggregation: 'max',
    });
    this.metrics.collect(() => {
      const ms = readUntilMs();
      if (ms !== undefined) gauge.set(ms / 1_000);
    });
  }
}
