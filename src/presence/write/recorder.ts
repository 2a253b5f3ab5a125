// The one way presence is written. It turns lifecycle events into commits: load, apply the rules, commit, and again
// for those that another node changed meanwhile. What arrives while a batch is under way makes up the next one, so
// batches grow with the load, then their number, and with no load an event waits for nothing.
import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Verdict } from '../../domain/device-history.js';
import type { DeviceId, LifecycleEvent } from '../../domain/lifecycle-event.js';
import type { PresencePolicy } from '../../domain/policy.js';
import type { Subject } from '../../domain/subject.js';
import { DeduplicatedLog } from '../../observability/deduplicated-log.js';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { onTickEnd } from '../../runtime/tick-batch.js';
import { keyOf, type SubjectKey, subjectOf } from '../../storage/encoding/subject-key.js';
import { type Changeset, type RecordStore, type StoredRecord, StoreUnavailableError } from '../../storage/ports.js';
import { RECORD_STORE } from '../../storage/tokens.js';
import { changesetOf, readRecord } from './changeset.js';
import { FeedQuota } from './feed-quota.js';
import { ParticipantLimit } from './participant-limit.js';
import { type Application, apply, inTurns, isEvent, settle } from './work-outcomes.js';
import {
  type AdmitNew,
  type Batch,
  type EndOutcome,
  type Outcome,
  type PurgeRequest,
  type Task,
  type Work,
  WorkQueue,
} from './work-queue.js';

/** While one batch is with the store the next is made ready. More would only make batches smaller. */
const MAX_BATCHES = 2;
/** Full ones cannot grow any more: where thousands of connections wait, their answers from the store need not wait for one another. */
const MAX_FULL_BATCHES = 16;
/**
 * Records in one commit, in characters: nothing can interrupt a commit, nor the rules that make it. A usual record has
 * a few hundred, so that this limits only what is made of participants with many devices.
 */
const MAX_COMMIT_LENGTH = 64 * 1024;

interface Conflict {
  readonly key: SubjectKey;
  readonly works: readonly Work[];
}

interface Attempt extends Conflict {
  readonly outcomes: Application['outcomes'];
  readonly changeset: Changeset;
}

/** For injection. */
export const PRESENCE_POLICY = Symbol('PresencePolicy');

@Injectable()
export class Recorder {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #policy: PresencePolicy;
  readonly #log: Logger;
  readonly #quota: FeedQuota | undefined;
  readonly #limit: ParticipantLimit;
  readonly #unreadable: DeduplicatedLog;
  readonly #queue: WorkQueue;
  #batches = 0;
  #isScheduled = false;
  #onDeadline: (dueMs: number) => void = () => {};

  /** A limit that is not given does not exist. */
  constructor(
    @Inject(RECORD_STORE) records: RecordStore,
    @Inject(CLOCK) clock: Clock,
    @Inject(PRESENCE_POLICY) policy: PresencePolicy,
    @Inject(LOG) log: Logger,
    @Optional() participants?: ParticipantLimit,
    @Optional() quota?: FeedQuota,
  ) {
    this.#records = records;
    this.#limit = participants ?? new ParticipantLimit(records, clock, log, 0);
    this.#quota = quota;
    this.#queue = new WorkQueue(clock);
    this.#clock = clock;
    this.#policy = policy;
    this.#log = log;
    this.#unreadable = new DeduplicatedLog(
      log,
      'a stored record cannot be read; events of its participant are refused',
    );
  }

  /**
   * Resolves once the event is durably applied, or found to be a duplicate or stale.
   * Rejects with StoreUnavailableError within 2 s when that cannot be said; the event may then have been applied. Rejects with
   * FeedQuotaError when the feed quota of its participant is used up, and with ParticipantLimitError, or with what `admitNew`
   * gives, when its participant is new and may not be stored.
   */
  record(event: LifecycleEvent, admitNew?: AdmitNew): Promise<Verdict> {
    const key = keyOf(event.subject);
    const refusal = this.#quota?.refusal(key, this.#clock.now());
    if (refusal) return Promise.reject(refusal);
    return this.#add(key, { input: event, ...(admitNew && { admitNew }) }) as Promise<Verdict>;
  }

  /**
   * Ends a participant, or one of its devices, for an operator, until a later event shows that it is present. `unknown`:
   * there is no such participant or device. Rejects like `record`.
   */
  end(subject: Subject, deviceId?: DeviceId): Promise<EndOutcome> {
    return this.#add(keyOf(subject), { input: { kind: 'end-request', deviceId } }) as Promise<EndOutcome>;
  }

  /**
   * Removes those of whose record `matches` is true when it is their turn, and announces the end of those who were present.
   * Resolves with how many were removed. Rejects like `record`.
   */
  async purge(keys: readonly SubjectKey[], matches: PurgeRequest['matches']): Promise<number> {
    const task: Task = { input: { kind: 'purge-request', matches } };
    const outcomes = await Promise.all(keys.map((key) => this.#add(key, task)));
    return outcomes.filter((outcome) => outcome === 'purged').length;
  }

  /** Applies what time alone has brought about. Resolves with those for whom that cannot be done; rejects like `record`. */
  async revisit(keys: readonly SubjectKey[]): Promise<SubjectKey[]> {
    const outcomes = await Promise.all(keys.map((key) => this.#add(key)));
    return keys.filter((_, index) => outcomes[index] === 'stuck');
  }

  /** Tells of the earliest deadline that each batch has set. */
  onDeadline(listener: (dueMs: number) => void): void {
    this.#onDeadline = listener;
  }

  #add(key: SubjectKey, task?: Task): Promise<Outcome> {
    const outcome = this.#queue.add(key, task);
    this.#schedule();
    return outcome;
  }

  /** Once all that came in together is there. Two at once are enough of a turn: a store in this process works within it. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    onTickEnd(() => {
      this.#isScheduled = false;
      for (let begun = 0; this.#hasRoom; begun += 1) {
        if (begun === MAX_BATCHES) return this.#schedule();
        const batch = this.#queue.take();
        if (batch.size === 0) return;
        void this.#process(batch);
      }
    });
  }

  get #hasRoom(): boolean {
    return this.#batches < (this.#queue.hasFullBatch ? MAX_FULL_BATCHES : MAX_BATCHES);
  }

  async #process(batch: Batch): Promise<void> {
    this.#batches += 1;
    try {
      for (let rest = batch; rest.size > 0; ) rest = await this.#attempt(rest);
    } catch (error) {
      this.#log.error({ err: error }, 'a batch failed');
      for (const work of [...batch.values()].flat()) {
        work.settle(new StoreUnavailableError('a batch failed', { cause: error }));
      }
    } finally {
      this.#batches -= 1;
      this.#queue.release(batch);
      this.#schedule();
    }
  }

  /** The part of the batch that is still wanted: somebody else was faster, or it has to follow the rest. */
  async #attempt(batch: Batch): Promise<Batch> {
    const keys = [...batch.keys()];
    const texts = await this.#records.load(keys);
    if (texts.includes(null)) await this.#limit.refresh();
    const remaining = new Map<SubjectKey, readonly Work[]>();
    for (let next = 0; next < keys.length; ) {
      const attempts: Attempt[] = [];
      for (let length = 0; next < keys.length && length < MAX_COMMIT_LENGTH; next += 1) {
        const key = keys[next] as SubjectKey;
        const { now, later } = inTurns(batch.get(key) ?? []);
        if (later.length > 0) remaining.set(key, later);
        const attempt = this.#apply(key, now, texts[next] ?? null);
        if (attempt) attempts.push(attempt);
        length += attempt ? lengthOf(attempt.changeset) : 0;
      }
      for (const { key, works } of await this.#commit(attempts)) {
        remaining.set(key, [...works, ...(remaining.get(key) ?? [])]);
      }
    }
    return remaining;
  }

  /** Those to be tried again. */
  async #commit(attempts: readonly Attempt[]): Promise<Conflict[]> {
    if (attempts.length === 0) return [];
    const outcomes = await this.#limit.commit(attempts.map(({ changeset }) => changeset));
    let nextDueMs = Number.POSITIVE_INFINITY;
    const conflicts: Conflict[] = [];
    for (const [index, { key, works, outcomes: whenDone, changeset }] of attempts.entries()) {
      const outcome = outcomes[index];
      if (outcome === 'done') {
        settle(works, whenDone);
        if (changeset.changes !== null) this.#countAnnounced(key, changeset.changes);
        nextDueMs = Math.min(nextDueMs, changeset.after?.index.dueMs ?? nextDueMs);
      } else if (outcome instanceof StoreUnavailableError) {
        for (const work of works) work.settle(outcome);
      } else {
        const wanted = works.filter(({ isSettled }) => !isSettled);
        if (wanted.length > 0) conflicts.push({ key, works: wanted });
      }
    }
    if (nextDueMs < Number.POSITIVE_INFINITY) this.#onDeadline(nextDueMs);
    return conflicts;
  }

  #countAnnounced(key: SubjectKey, changes: string): void {
    this.#quota?.use(key, Buffer.byteLength(changes), this.#clock.now());
  }

  /**
   * Applies the rules; settles the works itself where there is nothing to commit. A record that cannot be read fails its
   * own callbacks, and no others of the batch.
   */
  #apply(
    key: SubjectKey,
    works: readonly Work[],
    text: StoredRecord | null | StoreUnavailableError,
  ): Attempt | undefined {
    try {
      if (text instanceof StoreUnavailableError) throw text;
      const loaded = readRecord(key, text);
      const nowMs = this.#clock.now();
      const { advanced, outcomes } = apply(works, loaded?.record, nowMs, this.#policy);
      const changeset = changesetOf(key, loaded, advanced);
      const refusal = changeset && !changeset.before ? this.#refuseNew(works) : undefined;
      if (changeset && !refusal) return { key, works, outcomes, changeset };
      settle(works, outcomes, refusal);
    } catch (error) {
      const isUnreadable = !(error instanceof StoreUnavailableError);
      if (isUnreadable) this.#unreadable.error(key, { err: error, ...subjectOf(key) });
      const failure = isUnreadable ? new StoreUnavailableError('unreadable', { cause: error }) : error;
      for (const work of works) work.settle(isUnreadable && !work.input ? 'stuck' : failure);
    }
    return undefined;
  }

  /** Each sender of an event is asked, until one may bring this participant. */
  #refuseNew(works: readonly Work[]): Error | undefined {
    let refusal: Error | undefined = this.#limit.refusal();
    if (refusal) return refusal;
    for (const work of works) {
      if (!isEvent(work)) continue;
      refusal = work.admitNew?.();
      if (!refusal) break;
    }
    if (!refusal) this.#limit.admit();
    return refusal;
  }
}

function lengthOf({ before, after }: Changeset): number {
  return (after ?? before)?.record.length ?? 0;
}
