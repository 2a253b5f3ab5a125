// The only writer of presence. Turns lifecycle events into commits: load, apply the rules, commit, and retry the records
// that another node has changed meanwhile. Natural batching: events that arrive while batches are in flight form the next
// one, so batch size follows the load and an idle service adds no delay.
import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Change } from '../../domain/change.js';
import type { Verdict } from '../../domain/device-history.js';
import type { Labels } from '../../domain/labels.js';
import type { DeviceId, RecordedEvent } from '../../domain/lifecycle-event.js';
import type { StatedAvailability } from '../../domain/operator-availability.js';
import type { PolicyOf } from '../../domain/policy.js';
import type { Subject } from '../../domain/subject.js';
import { DeduplicatedLog } from '../../observability/deduplicated-log.js';
import { LOG } from '../../observability/logging.js';
import { Metrics } from '../../observability/metrics/metrics.js';
import {
  type BatchSpan,
  NO_TRACES,
  type RequestSpan,
  TRACER,
  type Tracer,
} from '../../observability/tracing/tracer.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { onTickEnd } from '../../runtime/tick-batch.js';
import { keyOf, type SubjectKey, subjectOf } from '../../storage/encoding/subject-key.js';
import { type Changeset, type RecordStore, type StoredRecord, StoreUnavailableError } from '../../storage/ports.js';
import { RECORD_STORE } from '../../storage/tokens.js';
import { type AppliedUpdates, applyUpdates, finishAll, isEvent, splitOffPurges } from './apply-updates.js';
import { commitResult, loadResult, startBatchSpan } from './batch-span.js';
import { changesetOf, readRecord } from './changeset.js';
import { FeedQuota } from './feed-quota.js';
import { ParticipantLimit } from './participant-limit.js';
import { RecorderMetrics } from './recorder-metrics.js';
import {
  type AdmitNew,
  type AvailabilityOutcome,
  type Batch,
  type EndOutcome,
  type LabelOutcome,
  type Outcome,
  type PendingUpdate,
  type PurgeRequest,
  type Update,
  UpdateQueue,
} from './update-queue.js';

/** The second batch is prepared while the store commits the first. More would only make batches smaller. */
const MAX_BATCHES = 2;
/** Full batches cannot grow, so under high load more of them may wait for the store at the same time. */
const MAX_FULL_BATCHES = 16;
/**
 * Total length of the records in one commit, in characters: preparing and running a commit blocks. A typical record has a few
 * hundred characters, so this only affects participants with many devices.
 */
const MAX_COMMIT_LENGTH = 64 * 1024;

interface Conflict {
  readonly key: SubjectKey;
  readonly updates: readonly PendingUpdate[];
}

interface Attempt extends Conflict {
  readonly outcomes: AppliedUpdates['outcomes'];
  readonly changes: readonly Change[];
  readonly changeset: Changeset;
}

/** Only updates of this participant are refused. */
export class UnreadableRecordError extends StoreUnavailableError {}

export const POLICY_OF = Symbol('PolicyOf');

@Injectable()
export class Recorder {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #policyOf: PolicyOf;
  readonly #log: Logger;
  readonly #quota: FeedQuota | undefined;
  readonly #limit: ParticipantLimit;
  readonly #unreadable: DeduplicatedLog;
  readonly #tracer: Tracer;
  readonly #queue: UpdateQueue;
  readonly #metrics: RecorderMetrics;
  #batches = 0;
  #isScheduled = false;
  #onDeadline: (dueMs: number) => void = () => {};

  /** Without `participants` or `quota`, that limit is off; without `metrics`, nobody sees them. */
  constructor(
    @Inject(RECORD_STORE) records: RecordStore,
    @Inject(CLOCK) clock: Clock,
    @Inject(POLICY_OF) policyOf: PolicyOf,
    @Inject(LOG) log: Logger,
    @Optional() participants?: ParticipantLimit,
    @Optional() quota?: FeedQuota,
    @Optional() metrics?: RecorderMetrics,
    @Optional() @Inject(TRACER) tracer: Tracer = NO_TRACES,
  ) {
    this.#records = records;
    this.#limit = participants ?? new ParticipantLimit(records, clock, log, 0);
    this.#quota = quota;
    this.#metrics = metrics ?? new RecorderMetrics(new Metrics());
    this.#queue = new UpdateQueue(clock);
    this.#clock = clock;
    this.#policyOf = policyOf;
    this.#log = log;
    this.#tracer = tracer;
    this.#unreadable = new DeduplicatedLog(
      log,
      'a stored record cannot be read; events of its participant are refused',
    );
  }

  /**
   * Resolves once the event is durably applied, or found to be a duplicate or stale. Rejects with:
   * - StoreUnavailableError within 2 s; the event may still have been applied, unless it is an UnreadableRecordError
   * - FeedQuotaError if the feed quota of the participant is used up
   * - ParticipantLimitError, or the error that `admitNew` returns, if the participant is new and may not be stored
   */
  record(event: RecordedEvent, admitNew?: AdmitNew, span?: RequestSpan): Promise<Verdict> {
    const key = keyOf(event.subject);
    const refusal = this.#quota?.refusal(key, this.#clock.now());
    if (refusal) return Promise.reject(refusal);
    return this.#add(key, { input: event, admitNew, span }) as Promise<Verdict>;
  }

  /**
   * Ends a participant, or one of its devices, for an operator; any later event undoes it. `unknown`: there is no such
   * participant or device. Rejects with StoreUnavailableError like `record`.
   */
  end(subject: Subject, deviceId?: DeviceId): Promise<EndOutcome> {
    return this.#add(keyOf(subject), { input: { kind: 'end-request', deviceId } }) as Promise<EndOutcome>;
  }

  /** Sets the availability of a participant, for an operator. Rejects with StoreUnavailableError like `record`. */
  setAvailability(subject: Subject, stated: StatedAvailability): Promise<AvailabilityOutcome> {
    const update: Update = { input: { kind: 'availability-request', ...stated } };
    return this.#add(keyOf(subject), update) as Promise<AvailabilityOutcome>;
  }

  /**
   * Sets the labels of a participant, for an operator. Rejects with StoreUnavailableError like `record`, and with
   * ParticipantLimitError if the participant is new and may not be stored.
   */
  setLabels(subject: Subject, labels: Labels): Promise<LabelOutcome> {
    return this.#add(keyOf(subject), { input: { kind: 'label-request', subject, labels } }) as Promise<LabelOutcome>;
  }

  /**
   * Removes the participants whose current record `matches`, and announces the end of those that were present. Resolves with
   * the number removed. Rejects with StoreUnavailableError like `record`.
   */
  async purge(keys: readonly SubjectKey[], matches: PurgeRequest['matches']): Promise<number> {
    const update: Update = { input: { kind: 'purge-request', matches } };
    const outcomes = await Promise.all(keys.map((key) => this.#add(key, update)));
    return outcomes.filter((outcome) => outcome === 'purged').length;
  }

  /** Applies the effects of elapsed time. Resolves with the keys of missing or unreadable records; rejects like `end`. */
  async reevaluate(keys: readonly SubjectKey[]): Promise<SubjectKey[]> {
    const outcomes = await Promise.all(keys.map((key) => this.#add(key)));
    return keys.filter((_, index) => outcomes[index] === 'unreadable');
  }

  /** `listener` is called with the earliest deadline of each commit. */
  onDeadline(listener: (dueMs: number) => void): void {
    this.#onDeadline = listener;
  }

  #add(key: SubjectKey, update?: Update): Promise<Outcome> {
    const outcome = this.#queue.add(key, update);
    this.#schedule();
    return outcome;
  }

  /** Starts batches at the end of the tick, so that events received together share one. At most two: SQLite blocks the tick. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    onTickEnd(() => {
      this.#isScheduled = false;
      for (let started = 0; this.#canStartBatch; started += 1) {
        if (started === MAX_BATCHES) return this.#schedule();
        const batch = this.#queue.take();
        if (batch.size === 0) return;
        void this.#process(batch);
      }
    });
  }

  get #canStartBatch(): boolean {
    return this.#batches < (this.#queue.hasFullBatch ? MAX_FULL_BATCHES : MAX_BATCHES);
  }

  async #process(batch: Batch): Promise<void> {
    this.#batches += 1;
    const span = this.#tracer.isOn ? startBatchSpan(this.#tracer, batch) : undefined;
    let failure: string | undefined;
    try {
      this.#metrics.batch([...batch.values()].reduce((sum, updates) => sum + updates.length, 0));
      for (let rest = await this.#attempt(batch, span); rest.size > 0; rest = await this.#attempt(rest, span))
        this.#metrics.retry();
    } catch (error) {
      failure = (error as Error).name;
      this.#log.error({ err: error }, 'a batch failed');
      for (const update of [...batch.values()].flat()) {
        update.finish(new StoreUnavailableError('a batch failed', { cause: error }));
      }
    } finally {
      span?.end({ failure });
      this.#batches -= 1;
      this.#queue.release(batch);
      this.#schedule();
    }
  }

  /** Returns the updates to retry: those in conflict, and purges that have to follow other updates. */
  async #attempt(batch: Batch, span: BatchSpan | undefined): Promise<Batch> {
    const keys = [...batch.keys()];
    const loading = span?.start('load', keys.length);
    const records = await this.#records.load(keys);
    loading?.end(loadResult(records));
    if (records.includes(null)) await this.#limit.refresh();
    const remaining = new Map<SubjectKey, readonly PendingUpdate[]>();
    for (let next = 0; next < keys.length; ) {
      const attempts: Attempt[] = [];
      for (let length = 0; next < keys.length && length < MAX_COMMIT_LENGTH; next += 1) {
        const key = keys[next] as SubjectKey;
        const { now, later } = splitOffPurges(batch.get(key) ?? []);
        if (later.length > 0) remaining.set(key, later);
        const attempt = this.#apply(key, now, records[next] ?? null);
        if (attempt) attempts.push(attempt);
        length += attempt ? lengthOf(attempt.changeset) : 0;
      }
      for (const { key, updates } of await this.#commit(attempts, span)) {
        remaining.set(key, [...updates, ...(remaining.get(key) ?? [])]);
      }
    }
    return remaining;
  }

  /** Returns the updates whose record has changed since it was loaded. */
  async #commit(attempts: readonly Attempt[], span: BatchSpan | undefined): Promise<Conflict[]> {
    if (attempts.length === 0) return [];
    const committing = span?.start('commit', attempts.length);
    const outcomes = await this.#limit.commit(attempts.map(({ changeset }) => changeset));
    committing?.end(commitResult(outcomes));
    let nextDueMs = Number.POSITIVE_INFINITY;
    const conflicts: Conflict[] = [];
    for (const [index, { key, updates, outcomes: updateOutcomes, changes, changeset }] of attempts.entries()) {
      const outcome = outcomes[index];
      if (outcome === 'done') {
        finishAll(updates, updateOutcomes);
        this.#metrics.committed(changes);
        if (changeset.changes !== null) this.#chargeQuota(key, changeset.changes);
        nextDueMs = Math.min(nextDueMs, changeset.after?.index.dueMs ?? nextDueMs);
      } else if (outcome instanceof StoreUnavailableError) {
        for (const update of updates) update.finish(outcome);
      } else {
        this.#metrics.conflict();
        const unfinished = updates.filter(({ isFinished }) => !isFinished);
        if (unfinished.length > 0) conflicts.push({ key, updates: unfinished });
      }
    }
    if (nextDueMs < Number.POSITIVE_INFINITY) this.#onDeadline(nextDueMs);
    return conflicts;
  }

  #chargeQuota(key: SubjectKey, changes: string): void {
    this.#quota?.use(key, Buffer.byteLength(changes), this.#clock.now());
  }

  /**
   * Applies the rules, and finishes the updates if there is nothing to commit. An unreadable record fails only the updates of
   * its own participant.
   */
  #apply(
    key: SubjectKey,
    updates: readonly PendingUpdate[],
    text: StoredRecord | null | StoreUnavailableError,
  ): Attempt | undefined {
    try {
      if (text instanceof StoreUnavailableError) throw text;
      const loaded = readRecord(key, text);
      const nowMs = this.#clock.now();
      if (loaded && updates.some(({ input }) => !input)) this.#metrics.deadline(nowMs - loaded.record.deadlineMs);
      const { advanced, outcomes } = applyUpdates(
        updates,
        loaded?.record,
        nowMs,
        this.#policyOf(subjectOf(key).source),
      );
      const changeset = changesetOf(key, loaded, advanced);
      const refusal = changeset && !changeset.before ? this.#refuseNew(updates) : undefined;
      if (changeset && !refusal) return { key, updates, outcomes, changes: advanced.changes, changeset };
      finishAll(updates, outcomes, refusal);
    } catch (error) {
      const isUnreadable = !(error instanceof StoreUnavailableError);
      if (isUnreadable) this.#unreadable.error(key, { err: error, ...subjectOf(key) });
      const failure = isUnreadable ? new UnreadableRecordError('unreadable', { cause: error }) : error;
      for (const update of updates) update.finish(isUnreadable && !update.input ? 'unreadable' : failure);
    }
    return undefined;
  }

  /** A new participant is stored if the sender of at least one of its events may add it. */
  #refuseNew(updates: readonly PendingUpdate[]): Error | undefined {
    let refusal: Error | undefined = this.#limit.refusal();
    if (refusal) return refusal;
    for (const update of updates) {
      if (!isEvent(update)) continue;
      refusal = update.admitNew?.();
      if (!refusal) break;
    }
    if (!refusal) this.#limit.reserve();
    return refusal;
  }
}

function lengthOf({ before, after }: Changeset): number {
  return (after ?? before)?.record.length ?? 0;
}
