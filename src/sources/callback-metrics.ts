// What comes in from each source, how late, and what becomes of it.
import { Injectable } from '@nestjs/common';
import type { SourceName } from '../domain/subject.js';
import { ProblemError } from '../http/problem.js';
import { Metrics } from '../observability/metrics/metrics.js';
import { StoreUnavailableError } from '../storage/ports.js';
import type { Intake } from './event-intake.js';
import { SourceRegistry } from './registry.js';
import type { ProviderEvent } from './source.js';

export type CallbackOutcome =
  | 'accepted'
  | 'spooled'
  | 'ignored'
  | 'handshake'
  | 'unknown'
  | 'invalid'
  | 'refused'
  | 'unavailable';

const ANSWER_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** Up to an hour: providers that retry do so for that long. */
const DELAY_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3_600];

@Injectable()
export class CallbackMetrics {
  readonly #callbacks;
  readonly #events;
  readonly #durations;
  readonly #delays;
  readonly #disorder;
  readonly #lastReceivedMs = new Map<SourceName, number>();
  readonly #newestMs = new Map<SourceName, number>();

  constructor(metrics: Metrics, { all }: SourceRegistry) {
    this.#callbacks = metrics.counter({
      name: 'rollcall_callbacks_total',
      help: 'Callbacks received, by source and outcome.',
      labels: ['source', 'outcome'],
    });
    this.#events = metrics.counter({
      name: 'rollcall_events_total',
      help: 'Lifecycle events in callbacks that were accepted, by what became of them. A callback may contain several.',
      labels: ['source', 'event', 'outcome'],
    });
    this.#durations = metrics.histogram({
      name: 'rollcall_callback_duration_seconds',
      help: 'Time from the receipt of a callback to its response.',
      labels: ['source'],
      buckets: ANSWER_BUCKETS_S,
    });
    this.#delays = metrics.histogram({
      name: 'rollcall_event_delay_seconds',
      help: "Time from an event, by the provider's clock, to its receipt.",
      labels: ['source'],
      buckets: DELAY_BUCKETS_S,
    });
    this.#disorder = metrics.histogram({
      name: 'rollcall_event_disorder_seconds',
      help: 'How much older an event is than the newest one received before it from its source; 0 if it is in order.',
      labels: ['source'],
      buckets: [0, ...DELAY_BUCKETS_S],
    });
    for (const { name } of all) this.#startAtZero(name);
    const lastReceived = metrics.gauge({
      name: 'rollcall_last_callback_timestamp_seconds',
      help: 'When the last callback with valid credentials was received; until there is one, when the process started.',
      labels: ['source'],
      aggregation: 'max',
    });
    const startedMs = performance.timeOrigin;
    metrics.collect(() => {
      for (const { name } of all) lastReceived.set((this.#lastReceivedMs.get(name) ?? startedMs) / 1_000, name);
    });
  }

  /** `startedMs`: by `performance.now()`. */
  answered(source: SourceName, outcome: CallbackOutcome, startedMs: number): void {
    this.#callbacks.of(source, outcome).value += 1;
    this.#durations.of(source).observe((performance.now() - startedMs) / 1_000);
  }

  /** For a callback with valid credentials. */
  received(source: SourceName, receivedAtMs: number): void {
    this.#lastReceivedMs.set(source, receivedAtMs);
  }

  /** undefined: there was none since this process started. */
  lastReceivedMs(source: SourceName): number | undefined {
    return this.#lastReceivedMs.get(source);
  }

  refused(source: SourceName, error: unknown, startedMs: number): void {
    this.answered(source, outcomeOf(error), startedMs);
  }

  event(source: SourceName, { occurredAtMs, receivedAtMs }: ProviderEvent): void {
    this.#delays.of(source).observe(Math.max(0, receivedAtMs - occurredAtMs) / 1_000);
    const newestMs = this.#newestMs.get(source) ?? Number.NEGATIVE_INFINITY;
    this.#disorder.of(source).observe(Math.max(0, newestMs - occurredAtMs) / 1_000);
    // A clock that is ahead once must not make all later events look late.
    this.#newestMs.set(source, Math.max(newestMs, Math.min(occurredAtMs, receivedAtMs)));
  }

  settled(source: SourceName, { kind }: ProviderEvent, outcome: Intake): void {
    this.#events.of(source, kind, outcome).value += 1;
  }

  /** So that the first callback of a source is an increase, and its absence is not taken for a missing metric. */
  #startAtZero(source: SourceName): void {
    const outcomes = ['accepted', 'spooled', 'ignored', 'handshake', 'unknown', 'invalid', 'refused', 'unavailable'];
    for (const outcome of outcomes) this.#callbacks.of(source, outcome);
    for (const kind of ['connected', 'disconnected', 'left']) {
      for (const outcome of ['applied', 'duplicate', 'stale', 'spooled']) this.#events.of(source, kind, outcome);
    }
    for (const histogram of [this.#durations, this.#delays, this.#disorder]) histogram.of(source);
  }
}

function outcomeOf(error: unknown): CallbackOutcome {
  if (error instanceof StoreUnavailableError) return 'unavailable';
  return error instanceof ProblemError && error.status === 400 ? 'invalid' : 'refused';
}
