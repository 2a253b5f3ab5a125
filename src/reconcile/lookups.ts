// Asks the provider of one source about single participants: at most one question about each at a time, a few at the same time, and
// not more than a number per second. Questions that do not fit into the schedule are dropped; the next list covers them.
import type { Logger } from 'pino';
import { askAtMs } from '../domain/questions.js';
import { FeedQuotaError } from '../presence/write/feed-quota.js';
import { ParticipantLimitError } from '../presence/write/participant-limit.js';
import type { Clock } from '../runtime/clock.js';
import type { Finding } from '../sources/observer.js';
import { ProviderApiError } from '../sources/provider-api.js';
import type { ObservedSource } from '../sources/registry.js';
import { type SubjectKey, subjectOf } from '../storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../storage/ports.js';
import type { ObservationRecorder } from './observation-recorder.js';
import type { ReconciliationMetrics } from './reconciliation-metrics.js';
import type { Direction } from './source-state.js';

const MAX_SCHEDULED = 10_000;
const MAX_AT_ONCE = 4;
/** Ten per second. */
const MIN_GAP_MS = 100;
const RETRY_MS = 2_000;
const MAX_ATTEMPTS = 5;
/** After a 429 that does not say how long to wait. */
const PAUSE_MS = 10_000;

interface Question {
  readonly dueMs: number;
  /** Asked because of a list, even if nothing about the participant is in doubt. */
  readonly isFromList: boolean;
  readonly attempts: number;
}

interface Parts {
  readonly source: ObservedSource;
  readonly recorder: ObservationRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ReconciliationMetrics;
  /** The work ends when it is aborted. */
  readonly signal: AbortSignal;
  readonly onCorrection: (direction: Direction) => void;
}

type QuestionOutcome = Finding['outcome'] | 'failed';

export class Lookups {
  readonly #scheduled = new Map<SubjectKey, Question>();
  readonly #asking = new Map<SubjectKey, Promise<void>>();
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #lastAskedMs = Number.NEGATIVE_INFINITY;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelWake = () => {};
  #isFailing = false;

  constructor(private readonly parts: Parts) {
    parts.signal.addEventListener('abort', () => this.#cancelWake(), { once: true });
  }

  isScheduled(key: SubjectKey): boolean {
    return this.#scheduled.has(key);
  }

  /** Asks as soon as it may. */
  add(key: SubjectKey): void {
    this.#schedule(key, { dueMs: this.parts.clock.now(), isFromList: true, attempts: 0 });
  }

  /** Asks at a time that `askAtMs` gave; undefined: no longer. */
  askAt(key: SubjectKey, dueMs: number | undefined): void {
    if (this.#scheduled.get(key)?.isFromList) return;
    if (dueMs === undefined) this.#scheduled.delete(key);
    else this.#schedule(key, { dueMs, isFromList: false, attempts: 0 });
  }

  /** Asks at once, without recording the answer. Rejects with ProviderApiError. */
  async check(key: SubjectKey): Promise<Finding['outcome']> {
    const { observer } = this.parts.source;
    return (await observer.find(subjectOf(key), this.parts.signal)).outcome;
  }

  /** The provider asks us to wait. */
  pause(delayMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.parts.clock.now() + delayMs);
  }

  /** Resolves when no question is in progress; to be called after the signal was aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#asking.values());
  }

  #schedule(key: SubjectKey, question: Question): void {
    if (!this.#scheduled.has(key) && this.#scheduled.size >= MAX_SCHEDULED) {
      this.parts.metrics.dropped(this.parts.source.name);
      return;
    }
    this.#scheduled.set(key, question);
    this.#wakeBy(question.dueMs);
  }

  /** Wakes up when a question that is due at that time may be asked. */
  #wakeBy(dueMs: number): void {
    const { clock, signal } = this.parts;
    const atMs = this.#notBefore(dueMs);
    if (signal.aborted || atMs >= this.#wakeAtMs) return;
    this.#cancelWake();
    this.#wakeAtMs = atMs;
    this.#cancelWake = clock.after(Math.max(0, atMs - clock.now()), () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#askNext();
    });
  }

  #notBefore(dueMs: number): number {
    return Math.max(dueMs, this.#pausedUntilMs, this.#lastAskedMs + MIN_GAP_MS);
  }

  /** Asks the question that has been due for longest, and comes back for the others. */
  #askNext(): void {
    if (this.parts.signal.aborted || this.#asking.size >= MAX_AT_ONCE) return;
    const [key, question] = this.#earliest() ?? [];
    if (key === undefined || question === undefined) return;
    const nowMs = this.parts.clock.now();
    if (this.#notBefore(question.dueMs) <= nowMs) {
      this.#lastAskedMs = nowMs;
      this.#scheduled.delete(key);
      const asking = this.#ask(key, question).finally(() => {
        this.#asking.delete(key);
        this.#askNext();
      });
      this.#asking.set(key, asking);
    }
    this.#wakeBy(question.dueMs);
  }

  #earliest(): [SubjectKey, Question] | undefined {
    let earliest: [SubjectKey, Question] | undefined;
    for (const entry of this.#scheduled) {
      if (this.#asking.has(entry[0])) continue;
      if (!earliest || entry[1].dueMs < earliest[1].dueMs) earliest = entry;
    }
    return earliest;
  }

  async #ask(key: SubjectKey, question: Question): Promise<void> {
    const { source, metrics, log, signal } = this.parts;
    let outcome: QuestionOutcome | undefined;
    try {
      if (question.isFromList || (await this.#isStillDue(key))) outcome = await this.#askNow(key, question);
      if (this.#isFailing) log.info({ source: source.name }, 'the provider answers questions again');
      this.#isFailing = false;
    } catch (error) {
      if (signal.aborted) return;
      outcome = 'failed';
      this.#failed(key, question, error);
    }
    if (outcome) metrics.question(source.name, outcome);
  }

  /** Schedules it again if it is not. */
  async #isStillDue(key: SubjectKey): Promise<boolean> {
    const { recorder, clock, source } = this.parts;
    const [record] = await recorder.load([key]);
    const atMs = record && askAtMs(record, source.policy);
    if (atMs === undefined) return false;
    if (atMs <= clock.now()) return true;
    this.askAt(key, atMs);
    return false;
  }

  async #askNow(key: SubjectKey, question: Question): Promise<QuestionOutcome> {
    const { source, recorder, clock, signal, onCorrection } = this.parts;
    const subject = subjectOf(key);
    const askedAtMs = clock.now();
    const finding = await source.observer.find(subject, signal);
    if (finding.outcome === 'unknown') return 'unknown';
    const { devices, tag } = finding.outcome === 'present' ? finding : { devices: [] };
    const observation = { subject, devices, tag, askedAtMs, receivedAtMs: clock.now() };
    const { isNews, correction } = await recorder.loadAndRecord(observation, source.policy);
    if (correction) onCorrection(correction);
    // An event was received meanwhile, so the answer was ignored; the doubt may remain.
    if (!isNews && !question.isFromList) this.#again(key, question);
    return finding.outcome;
  }

  #failed(key: SubjectKey, question: Question, error: unknown): void {
    const { source, log } = this.parts;
    if (error instanceof FeedQuotaError || error instanceof ParticipantLimitError) return;
    if (error instanceof ProviderApiError) {
      if (error.fault === 'rate-limited') this.pause(error.retryAfterMs ?? PAUSE_MS);
      if (!this.#isFailing) log.warn({ source: source.name, reason: error.message }, 'the provider cannot be asked');
      this.#isFailing = true;
    } else if (!(error instanceof StoreUnavailableError)) {
      log.error({ err: error, source: source.name }, 'a question to the provider failed');
    }
    this.#again(key, question);
  }

  #again(key: SubjectKey, { isFromList, attempts }: Question): void {
    // It may have been scheduled anew meanwhile.
    if (attempts + 1 >= MAX_ATTEMPTS || this.#scheduled.has(key)) return;
    const dueMs = this.parts.clock.now() + RETRY_MS * 2 ** attempts;
    this.#schedule(key, { dueMs, isFromList, attempts: attempts + 1 });
  }
}
