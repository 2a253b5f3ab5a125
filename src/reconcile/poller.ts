// Polls the list of one provider, and decides what to believe. An absence is never believed on the word of one list: each is looked
// up, and if they are suspiciously many, a second list has to agree, and the provider to confirm a sample of them.
import type { Logger } from 'pino';
import { believedAbsences } from '../domain/questions.js';
import type { Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import { ProviderApiError } from '../sources/provider-api.js';
import type { ObservedSource } from '../sources/registry.js';
import { type SubjectKey, subjectOf } from '../storage/encoding/subject-key.js';
import { type PresenceIndex, StoreUnavailableError } from '../storage/ports.js';
import { type Comparison, compare } from './comparison.js';
import type { Lookups } from './lookups.js';
import type { ObservationRecorder } from './observation-recorder.js';
import type { ReconciliationMetrics } from './reconciliation-metrics.js';
import type { Direction, SourceState } from './source-state.js';

/** Up to this share earlier or later, so that the polls of many installations spread out. */
const JITTER = 0.1;
/** Failures double the interval, up to this many times. */
const MAX_BACK_OFF = 4;
/** After the fuse has tripped, the provider needs time to recover before the next list. */
const SECOND_LIST_MS = 5_000;
/** Of the absences that two lists agree on. */
const SAMPLE_SIZE = 20;
const BATCH_SIZE = 128;

export interface PollerParts {
  readonly source: ObservedSource;
  readonly intervalMs: number;
  readonly index: PresenceIndex;
  readonly recorder: ObservationRecorder;
  readonly lookups: Lookups;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ReconciliationMetrics;
  readonly signal: AbortSignal;
  /** Changes what is known of the source, and stores it. */
  readonly update: (change: (state: SourceState) => SourceState) => Promise<void>;
  readonly onCorrection: (direction: Direction) => void;
}

export class Poller {
  /** The absences of the previous list, if it was suspicious. */
  #suspected: ReadonlySet<SubjectKey> = new Set();
  #failures = 0;

  constructor(private readonly parts: PollerParts) {}

  /** Ends when the signal is aborted. `lastPollMs`: of the previous holder of the lease. */
  async run(lastPollMs: number | undefined): Promise<void> {
    const { clock, intervalMs, signal } = this.parts;
    const sinceMs = clock.now() - (lastPollMs ?? Number.NEGATIVE_INFINITY);
    let waitMs = sinceMs < intervalMs ? intervalMs - sinceMs : intervalMs * JITTER * Math.random();
    for (;;) {
      await delay(clock, waitMs, signal);
      if (signal.aborted) return;
      waitMs = await this.#poll();
    }
  }

  /** Resolves with how long to wait until the next poll. */
  async #poll(): Promise<number> {
    const { clock, metrics, source, signal, log, index, recorder } = this.parts;
    const startedAtMs = clock.now();
    const startMs = performance.now();
    try {
      const comparison = await compare(source, { index, recorder, clock }, signal);
      await this.#conclude(comparison, startedAtMs);
      metrics.polled(source.name, 'complete', performance.now() - startMs);
      if (this.#failures > 0) log.info({ source: source.name }, 'the list of the provider can be read again');
      this.#failures = 0;
      const isSuspicious = this.#suspected.size > 0;
      return isSuspicious ? Math.min(source.observer.lagMs + SECOND_LIST_MS, this.#interval()) : this.#interval();
    } catch (error) {
      if (signal.aborted) return 0;
      metrics.polled(source.name, 'failed', performance.now() - startMs);
      return this.#failed(error, startedAtMs);
    }
  }

  #interval(): number {
    return this.parts.intervalMs * (1 + JITTER * (2 * Math.random() - 1));
  }

  async #conclude(comparison: Comparison, startedAtMs: number): Promise<void> {
    const { lookups, onCorrection, update, clock } = this.parts;
    const { absent, toFind, drift, corrections } = comparison;
    for (const correction of corrections) onCorrection(correction);
    const { believed, suspected } = believedAbsences(absent, drift.connected, this.#suspected);
    const isTripped = suspected.size > 0;
    if (!isTripped) for (const key of believed) lookups.add(key);
    // Participants that a list names without devices must be looked up. Absences are queued first, since calls may be routed to them.
    for (const key of toFind) lookups.add(key);
    const isConfirmed = isTripped && believed.length > 0 && (await this.#isConfirmed(believed));
    if (isConfirmed) await this.#removeAll(believed, comparison);
    this.#suspected = isConfirmed ? new Set() : suspected;
    if (isTripped && !isConfirmed) this.#tripped(absent.length, drift.connected);
    const lastPoll = { startedAtMs, endedAtMs: clock.now(), outcome: 'complete' as const };
    await update((state) => ({
      ...state,
      lastPoll,
      lastCompletePollAtMs: lastPoll.endedAtMs,
      failures: 0,
      drift,
      fuse: fuseAfter(state.fuse, isTripped && !isConfirmed ? absent.length : 0),
    }));
  }

  #tripped(absences: number, connected: number): void {
    const { source, log, metrics } = this.parts;
    metrics.fuseTripped(source.name);
    log.warn({ source: source.name, absences, connected }, 'a list lacks too many participants to be believed yet');
  }

  /** Whether the provider says the same of each participant of a sample. */
  async #isConfirmed(believed: readonly SubjectKey[]): Promise<boolean> {
    const { lookups, source, log } = this.parts;
    const step = Math.max(1, Math.floor(believed.length / SAMPLE_SIZE));
    const sample = believed.filter((_, n) => n % step === 0).slice(0, SAMPLE_SIZE);
    for (const key of sample) {
      const outcome = await lookups.check(key);
      if (outcome === 'absent') continue;
      const facts = { source: source.name, absences: believed.length };
      log.error(facts, 'two lists lack participants who are present when they are looked up');
      return false;
    }
    return true;
  }

  async #removeAll(keys: readonly SubjectKey[], { askedAtMs, receivedAtMs }: Comparison): Promise<void> {
    const { recorder, source, onCorrection, log } = this.parts;
    let removed = 0;
    for (let first = 0; first < keys.length; first += BATCH_SIZE) {
      const batch = keys.slice(first, first + BATCH_SIZE);
      const recorded = await Promise.all(
        batch.map((key) =>
          recorder.loadAndRecord({ subject: subjectOf(key), devices: [], askedAtMs, receivedAtMs }, source.policy),
        ),
      );
      for (const { correction } of recorded) {
        if (correction) onCorrection(correction);
        if (correction === 'removed') removed += 1;
      }
    }
    log.warn({ source: source.name, removed }, 'two lists and a sample agree: participants are no longer there');
  }

  async #failed(error: unknown, startedAtMs: number): Promise<number> {
    const { source, log, update, clock, lookups } = this.parts;
    const { message } = error as Error;
    if (!(error instanceof ProviderApiError) && !(error instanceof StoreUnavailableError)) {
      log.error({ err: error, source: source.name }, 'a poll failed');
    } else if (this.#failures === 0) {
      log.warn({ source: source.name, reason: message }, 'the list of the provider cannot be read');
    }
    this.#failures += 1;
    const lastPoll = { startedAtMs, endedAtMs: clock.now(), outcome: 'failed' as const, reason: message };
    await update((state) => ({ ...state, lastPoll, failures: state.failures + 1 }));
    const { retryAfterMs = 0 } = error instanceof ProviderApiError ? error : {};
    lookups.pause(retryAfterMs);
    return Math.max(retryAfterMs, this.#interval() * Math.min(2 ** (this.#failures - 1), MAX_BACK_OFF));
  }
}

function fuseAfter(fuse: SourceState['fuse'], absences: number): SourceState['fuse'] {
  if (absences === 0) return { ...fuse, isTripped: false };
  return { isTripped: true, trips: fuse.trips + 1, absences };
}
