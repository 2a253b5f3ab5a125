// The one way presence is written. It turns lifecycle events into commits: load, apply the rules, commit, and again
// for those that another node changed meanwhile. What arrives while a batch is under way makes up the next one, so
// batches grow with the load, then their number, and with no load an event waits for nothing.
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.js';
import { OnceLog } from '../platform/once-log.js';
import { atTurnsEnd } from '../platform/turns.js';
import { changesetOf, readRecord } from './changeset.js';
import type { Verdict } from './domain/device-history.js';
import type { DeviceId, LifecycleEvent, ParticipantId } from './domain/lifecycle-event.js';
import { operatorEnds } from './domain/operator-end.js';
import { advance, type ParticipantRecord } from './domain/participant.js';
import type { PresencePolicy } from './domain/policy.js';
import type { FeedQuota } from './feed-quota.js';
import { type Changeset, type PresenceStore, type StoredRecord, StoreUnavailableError } from './presence-store.js';
import {
  type Batch,
  type EndOutcome,
  type EndRequest,
  type Outcome,
  type Revisit,
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
  readonly participantId: ParticipantId;
  readonly works: readonly Work[];
}

/** What is to be said to works once they are done. */
interface Outcomes {
  readonly verdicts: readonly Verdict[];
  readonly ends: ReadonlyMap<Work, EndOutcome>;
  readonly revisit: Revisit;
}

interface Attempt extends Conflict {
  readonly outcomes: Outcomes;
  readonly changeset: Changeset;
}

export class Recorder {
  readonly #store: PresenceStore;
  readonly #clock: Clock;
  readonly #policy: PresencePolicy;
  readonly #log: Logger;
  readonly #quota: FeedQuota | undefined;
  readonly #unreadable: OnceLog;
  readonly #queue: WorkQueue;
  #batches = 0;
  #isScheduled = false;
  #onDeadline: (dueMs: number) => void = () => {};

  /** `quota`: undefined for none. */
  constructor(store: PresenceStore, clock: Clock, policy: PresencePolicy, log: Logger, quota?: FeedQuota) {
    this.#store = store;
    this.#quota = quota;
    this.#queue = new WorkQueue(clock);
    this.#clock = clock;
    this.#policy = policy;
    this.#log = log;
    this.#unreadable = new OnceLog(log, 'a stored record cannot be read; events of its participant are refused');
  }

  /**
   * Resolves once the event is durably applied, or found to be a duplicate or stale.
   * Rejects with StoreUnavailableError within 2 s when that cannot be said; the event may then have been applied. Rejects with
   * FeedQuotaError when the feed quota of its participant is used up.
   */
  record(event: LifecycleEvent): Promise<Verdict> {
    const refusal = this.#quota?.refusal(event.participantId, this.#clock.now());
    if (refusal) return Promise.reject(refusal);
    return this.#add(event.participantId, event) as Promise<Verdict>;
  }

  /**
   * Ends a participant, or one of its devices, for an operator, until a later event shows that it is present. `unknown`:
   * there is no such participant or device. Rejects like `record`.
   */
  end(participantId: ParticipantId, deviceId?: DeviceId): Promise<EndOutcome> {
    return this.#add(participantId, { kind: 'end-request', deviceId }) as Promise<EndOutcome>;
  }

  /** Applies what time alone has brought about. Resolves with those for whom that cannot be done; rejects like `record`. */
  async revisit(participantIds: readonly ParticipantId[]): Promise<ParticipantId[]> {
    const outcomes = await Promise.all(participantIds.map((participantId) => this.#add(participantId)));
    return participantIds.filter((_, index) => outcomes[index] === 'stuck');
  }

  /** Tells of the earliest deadline that each batch has set. */
  onDeadline(listener: (dueMs: number) => void): void {
    this.#onDeadline = listener;
  }

  #add(participantId: ParticipantId, input?: LifecycleEvent | EndRequest): Promise<Outcome> {
    const outcome = this.#queue.add(participantId, input);
    this.#schedule();
    return outcome;
  }

  /** Once all that came in together is there. Two at once are enough of a turn: a store in this process works within it. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atTurnsEnd(() => {
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

  /** The part of the batch that somebody else was faster with, and that is still wanted. */
  async #attempt(batch: Batch): Promise<Batch> {
    const ids = [...batch.keys()];
    const texts = await this.#store.load(ids);
    const conflicts = new Map<ParticipantId, readonly Work[]>();
    for (let next = 0; next < ids.length; ) {
      const attempts: Attempt[] = [];
      for (let length = 0; next < ids.length && length < MAX_COMMIT_LENGTH; next += 1) {
        const participantId = ids[next] as ParticipantId;
        const attempt = this.#apply(participantId, batch.get(participantId) ?? [], texts[next] ?? null);
        if (attempt) attempts.push(attempt);
        length += attempt?.changeset.after?.record.length ?? 0;
      }
      for (const { participantId, works } of await this.#commit(attempts)) conflicts.set(participantId, works);
    }
    return conflicts;
  }

  /** Those to be tried again. */
  async #commit(attempts: readonly Attempt[]): Promise<Conflict[]> {
    if (attempts.length === 0) return [];
    const outcomes = await this.#store.commit(attempts.map(({ changeset }) => changeset));
    let nextDueMs = Number.POSITIVE_INFINITY;
    const conflicts: Conflict[] = [];
    for (const [index, { participantId, works, outcomes: whenDone, changeset }] of attempts.entries()) {
      const outcome = outcomes[index];
      if (outcome === 'done') {
        settle(works, whenDone);
        if (changeset.changes !== null) this.#countAnnounced(participantId, changeset.changes);
        nextDueMs = Math.min(nextDueMs, changeset.after?.index.dueMs ?? nextDueMs);
      } else if (outcome instanceof StoreUnavailableError) {
        for (const work of works) work.settle(outcome);
      } else {
        const wanted = works.filter(({ isSettled }) => !isSettled);
        if (wanted.length > 0) conflicts.push({ participantId, works: wanted });
      }
    }
    if (nextDueMs < Number.POSITIVE_INFINITY) this.#onDeadline(nextDueMs);
    return conflicts;
  }

  #countAnnounced(participantId: ParticipantId, changes: string): void {
    this.#quota?.use(participantId, Buffer.byteLength(changes), this.#clock.now());
  }

  /**
   * Applies the rules; settles the works itself where there is nothing to commit. A record that cannot be read fails its
   * own callbacks, and no others of the batch.
   */
  #apply(
    participantId: ParticipantId,
    works: readonly Work[],
    text: StoredRecord | null | StoreUnavailableError,
  ): Attempt | undefined {
    try {
      if (text instanceof StoreUnavailableError) throw text;
      const loaded = readRecord(participantId, text);
      const nowMs = this.#clock.now();
      const { events, ends } = inputsOf(works, loaded?.record, nowMs, this.#policy);
      const advanced = advance(loaded?.record, events, nowMs, this.#policy);
      const changeset = changesetOf(participantId, loaded, advanced);
      const outcomes: Outcomes = {
        verdicts: advanced.verdicts,
        ends,
        revisit: loaded || changeset ? 'revisited' : 'stuck',
      };
      if (changeset) return { participantId, works, outcomes, changeset };
      settle(works, outcomes);
    } catch (error) {
      const isUnreadable = !(error instanceof StoreUnavailableError);
      if (isUnreadable) this.#unreadable.error(participantId, { err: error, participantId });
      const failure = isUnreadable ? new StoreUnavailableError('unreadable', { cause: error }) : error;
      for (const work of works) work.settle(isUnreadable && !work.input ? 'stuck' : failure);
    }
    return undefined;
  }
}

/** What works amount to: the events that were received, in order, and behind them those by which operators end devices. */
function inputsOf(
  works: readonly Work[],
  record: ParticipantRecord | undefined,
  nowMs: number,
  policy: PresencePolicy,
): { events: LifecycleEvent[]; ends: ReadonlyMap<Work, EndOutcome> } {
  const events: LifecycleEvent[] = [];
  for (const { input } of works) if (input && input.kind !== 'end-request') events.push(input);
  const ends = new Map<Work, EndOutcome>();
  for (const work of works) {
    if (work.input?.kind !== 'end-request') continue;
    const { deviceId } = work.input;
    const isKnown = record && (deviceId === undefined || record.devices.has(deviceId));
    const endEvents = isKnown ? operatorEnds(record, deviceId, nowMs, policy) : [];
    events.push(...endEvents);
    ends.set(work, isKnown ? (endEvents.length > 0 ? 'ended' : 'absent') : 'unknown');
  }
  return { events, ends };
}

/** `verdicts` has one for each work with an event that was received, in order. */
function settle(works: readonly Work[], { verdicts, ends, revisit }: Outcomes): void {
  let next = 0;
  for (const work of works) {
    if (!work.input) work.settle(revisit);
    else work.settle(ends.get(work) ?? verdicts[next++] ?? 'duplicate');
  }
}
