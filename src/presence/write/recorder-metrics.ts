// What the recorder commits, and what it announces.
import { Injectable, Optional } from '@nestjs/common';
import type { Change } from '../../domain/change.js';
import { GONE_CAUSES } from '../../domain/connection.js';
import type { SourceName } from '../../domain/subject.js';
import { SourceNames } from '../../http/source-names.js';
import { Metrics } from '../../observability/metrics/metrics.js';

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const LAG_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300];

@Injectable()
export class RecorderMetrics {
  readonly #batches;
  readonly #batchUpdates;
  readonly #retries;
  readonly #commits;
  readonly #conflicts;
  readonly #transitions;
  readonly #interruptions;
  readonly #returns;
  readonly #doubtful;
  readonly #deadlineLag;

  /** `sources`: those whose series start at 0, so that the first transition is an increase. */
  constructor(metrics: Metrics, @Optional() sources?: SourceNames) {
    this.#batches = metrics
      .counter({ name: 'rollcall_batches_total', help: 'Batches of events and other updates that were processed.' })
      .of();
    this.#batchUpdates = metrics
      .histogram({ name: 'rollcall_batch_updates', help: 'Updates in a batch.', buckets: BATCH_BUCKETS })
      .of();
    this.#retries = metrics
      .counter({
        name: 'rollcall_batch_retries_total',
        help: 'How often the rest of a batch was loaded and applied again, mostly after conflicts.',
      })
      .of();
    this.#commits = metrics.counter({ name: 'rollcall_commits_total', help: 'Records that were committed.' }).of();
    this.#conflicts = metrics
      .counter({
        name: 'rollcall_commit_conflicts_total',
        help: 'Records that were not committed, because another process had changed them.',
      })
      .of();
    this.#transitions = metrics.counter({
      name: 'rollcall_transitions_total',
      help: 'Announced changes of the state of participants and devices.',
      labels: ['source', 'subject', 'state', 'cause'],
    });
    this.#interruptions = metrics.counter({
      name: 'rollcall_interruptions_total',
      help: 'Devices that disconnected and are reconnecting.',
      labels: ['source'],
    });
    this.#returns = metrics.counter({
      name: 'rollcall_grace_saves_total',
      help: 'Devices that returned within the grace period.',
      labels: ['source'],
    });
    this.#doubtful = metrics.counter({
      name: 'rollcall_doubtful_total',
      help: 'Participants announced as connected, but doubtful.',
      labels: ['source'],
    });
    this.#deadlineLag = metrics
      .histogram({
        name: 'rollcall_deadline_lag_seconds',
        help: 'Time from a deadline, such as the end of a grace period, to its processing.',
        buckets: LAG_BUCKETS_S,
      })
      .of();
    for (const source of sources?.all ?? []) this.#startAtZero(source);
  }

  batch(updates: number): void {
    this.#batches.value += 1;
    this.#batchUpdates.observe(updates);
  }

  retry(): void {
    this.#retries.value += 1;
  }

  conflict(): void {
    this.#conflicts.value += 1;
  }

  deadline(lagMs: number): void {
    this.#deadlineLag.observe(Math.max(0, lagMs) / 1_000);
  }

  committed(changes: readonly Change[]): void {
    this.#commits.value += 1;
    for (const change of changes) this.#count(change);
  }

  #startAtZero(source: SourceName): void {
    for (const subject of ['participant', 'device']) {
      for (const state of ['connected', 'reconnecting']) this.#transitions.of(source, subject, state, '');
      for (const cause of GONE_CAUSES) this.#transitions.of(source, subject, 'gone', cause);
    }
    for (const counter of [this.#interruptions, this.#returns, this.#doubtful]) counter.of(source);
  }

  #count({ type, subject: { source }, state, previousState, cause, isDoubtful }: Change): void {
    const isDevice = type.startsWith('device.');
    if (isDoubtful && !isDevice) this.#doubtful.of(source).value += 1;
    if (state === previousState) return;
    this.#transitions.of(source, isDevice ? 'device' : 'participant', state, cause ?? '').value += 1;
    if (!isDevice) return;
    if (state === 'reconnecting') this.#interruptions.of(source).value += 1;
    if (state === 'connected' && previousState === 'reconnecting') this.#returns.of(source).value += 1;
  }
}
