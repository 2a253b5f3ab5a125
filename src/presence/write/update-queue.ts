// Updates that wait to be recorded, grouped by participant. A batch holds at most one group per participant and skips
// participants of batches still in flight, whose second commit could only conflict.

import type { Verdict } from '../../domain/device-history.js';
import type { Labels } from '../../domain/labels.js';
import type { DeviceId, RecordedEvent } from '../../domain/lifecycle-event.js';
import type { StatedAvailability } from '../../domain/operator-availability.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import type { Subject } from '../../domain/subject.js';
import type { RequestSpan } from '../../observability/tracing/tracer.js';
import type { Clock } from '../../runtime/clock.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../../storage/ports.js';

const MAX_BATCH_PARTICIPANTS = 128;
const MAX_BATCH_EVENTS = 512;
/** Beyond this, updates are rejected at once instead of timing out. */
const MAX_QUEUED_UPDATES = 20_000;
/** Providers give up after a few seconds; a later response is useless. */
const TIMEOUT_MS = 2_000;

/** `unreadable`: there is no record, or it cannot be decoded. Trying again will not help. */
export type Reevaluation = 'reevaluated' | 'unreadable';

/** An operator's request to end a participant, or one of its devices. */
interface EndRequest {
  readonly kind: 'end-request';
  readonly deviceId?: DeviceId | undefined;
}

/** `absent`: known, but not present. */
export type EndOutcome = 'ended' | 'absent' | 'unknown';

/** An operator's request to set the availability of a participant. */
interface AvailabilityRequest extends StatedAvailability {
  readonly kind: 'availability-request';
}

export type AvailabilityOutcome = 'set' | 'gone' | 'unknown';

/** An operator's request to set the labels of a participant, which need not be known. */
interface LabelRequest {
  readonly kind: 'label-request';
  readonly subject: Subject;
  readonly labels: Labels;
}

/** `unknown`: the participant is not known, and there are no labels. */
export type LabelOutcome = 'set' | 'unknown';

/** An operator's request to remove a participant if `matches` is true for its current record. */
export interface PurgeRequest {
  readonly kind: 'purge-request';
  readonly matches: (record: ParticipantRecord) => boolean;
}

/** `kept`: the record no longer matches, or there is none. */
type PurgeOutcome = 'purged' | 'kept';

export type RequestOutcome = EndOutcome | AvailabilityOutcome | PurgeOutcome;

export type Outcome = Verdict | Reevaluation | RequestOutcome;

/** Called if the event's participant is new. Returns the error to reject the event with; undefined admits the participant. */
export type AdmitNew = () => Error | undefined;

/** Without an `input`, the participant is re-evaluated because its deadline has passed. */
export interface Update {
  readonly input?: RecordedEvent | EndRequest | AvailabilityRequest | LabelRequest | PurgeRequest;
  readonly admitNew?: AdmitNew | undefined;
  /** Of the request that the event came with. */
  readonly span?: RequestSpan | undefined;
}

/** An update whose caller is waiting for the outcome. */
export class PendingUpdate {
  #isFinished = false;

  constructor(
    private readonly update: Update,
    private readonly timeoutGroup: TimeoutGroup,
    private readonly resolve: (outcome: Outcome) => void,
    private readonly reject: (error: Error) => void,
  ) {
    timeoutGroup.updates.push(this);
    timeoutGroup.unfinishedCount += 1;
  }

  get input(): Update['input'] {
    return this.update.input;
  }

  get admitNew(): AdmitNew | undefined {
    return this.update.admitNew;
  }

  get span(): RequestSpan | undefined {
    return this.update.span;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Only the first call has an effect: an update may time out while its commit is in flight. */
  finish(outcome: Outcome | Error): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.timeoutGroup.unfinishedCount -= 1;
    if (this.timeoutGroup.unfinishedCount === 0) this.timeoutGroup.cancel();
    if (outcome instanceof Error) this.reject(outcome);
    else this.resolve(outcome);
  }
}

/** Updates added in the same millisecond share one timer: a timer for each would cost more than the update. */
interface TimeoutGroup {
  readonly startedAtMs: number;
  readonly updates: PendingUpdate[];
  unfinishedCount: number;
  readonly cancel: () => void;
}

export type Batch = ReadonlyMap<SubjectKey, readonly PendingUpdate[]>;

export class UpdateQueue {
  readonly #clock: Clock;
  readonly #queued = new Map<SubjectKey, PendingUpdate[]>();
  readonly #inFlight = new Set<SubjectKey>();
  #count = 0;
  #timeoutGroup: TimeoutGroup | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Settles when the update is finished. Rejects with StoreUnavailableError after 2 s, or at once if the queue is full. */
  add(key: SubjectKey, update: Update = {}): Promise<Outcome> {
    if (this.#count >= MAX_QUEUED_UPDATES) {
      return Promise.reject(new StoreUnavailableError('too many updates are queued'));
    }
    return new Promise((resolve, reject) => {
      const pending = new PendingUpdate(update, this.#currentTimeoutGroup(), resolve, reject);
      const queued = this.#queued.get(key);
      if (queued) queued.push(pending);
      else this.#queued.set(key, [pending]);
      this.#count += 1;
    });
  }

  /** Assuming that none of the queued participants is in flight. */
  get hasFullBatch(): boolean {
    return this.#queued.size >= MAX_BATCH_PARTICIPANTS;
  }

  /** Takes the oldest updates; the caller must `release` the batch. Empty if nothing can be taken. */
  take(): Batch {
    const batch = new Map<SubjectKey, readonly PendingUpdate[]>();
    let capacity = MAX_BATCH_EVENTS;
    for (const [key, updates] of this.#queued) {
      if (batch.size === MAX_BATCH_PARTICIPANTS || capacity === 0) break;
      if (this.#inFlight.has(key)) continue;
      const rest = updates.filter(({ isFinished }) => !isFinished);
      const taken = rest.splice(0, capacity);
      this.#count -= updates.length - rest.length;
      if (rest.length > 0) this.#queued.set(key, rest);
      else this.#queued.delete(key);
      if (taken.length > 0) batch.set(key, taken);
      capacity -= taken.length;
    }
    for (const key of batch.keys()) this.#inFlight.add(key);
    return batch;
  }

  release(batch: Batch): void {
    for (const key of batch.keys()) this.#inFlight.delete(key);
  }

  #currentTimeoutGroup(): TimeoutGroup {
    const startedAtMs = this.#clock.now();
    const current = this.#timeoutGroup;
    // A group whose updates are all finished has cancelled its timer.
    if (current?.startedAtMs === startedAtMs && current.unfinishedCount > 0) return current;
    const updates: PendingUpdate[] = [];
    const cancel = this.#clock.after(TIMEOUT_MS, () => {
      for (const update of updates) update.finish(new StoreUnavailableError('timed out'));
    });
    this.#timeoutGroup = { startedAtMs, updates, unfinishedCount: 0, cancel };
    return this.#timeoutGroup;
  }
}
