// What waits to be recorded, by participant, and for how long it may. A batch taken from it has at most one part of each
// participant, and none of a participant that an earlier batch still has: the second commit could only be a conflict.

import type { Verdict } from '../../domain/device-history.js';
import type { DeviceId, LifecycleEvent } from '../../domain/lifecycle-event.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import type { Clock } from '../../runtime/clock.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../../storage/ports.js';

const MAX_BATCH_PARTICIPANTS = 128;
const MAX_BATCH_EVENTS = 512;
/** Callers that wait. Beyond it they are told at once, instead of after the time they would wait in vain. */
const MAX_WAITING = 20_000;
/** A provider gives up after a few seconds; an answer that comes later is none. */
const TIME_LIMIT_MS = 2_000;

/** `stuck`: there is no record, or none that can be read; looking again will not help. */
export type Revisit = 'revisited' | 'stuck';

/** An operator's request to end a participant, or one of its devices. */
interface EndRequest {
  readonly kind: 'end-request';
  readonly deviceId?: DeviceId | undefined;
}

/** `ended`: what was present of it is not any more. `absent`: it is known, and was not present. */
export type EndOutcome = 'ended' | 'absent' | 'unknown';

/** An operator's request to remove a participant, if `matches` is then true of its record. */
export interface PurgeRequest {
  readonly kind: 'purge-request';
  readonly matches: (record: ParticipantRecord) => boolean;
}

/** `kept`: it did not match any more, or there was none. */
export type PurgeOutcome = 'purged' | 'kept';

export type Outcome = Verdict | Revisit | EndOutcome | PurgeOutcome;

/** Whether a new participant may be stored, asked once it is known to be one; else what its event is refused with. */
export type AdmitNew = () => Error | undefined;

/** What a participant is to be changed by. */
export interface Task {
  readonly input?: LifecycleEvent | EndRequest | PurgeRequest;
  readonly admitNew?: AdmitNew;
}

/** An event that was received or an operator's request or, without either, a participant whose deadline has passed. */
export class Work {
  #isSettled = false;

  constructor(
    private readonly task: Task,
    private readonly patience: Patience,
    private readonly resolve: (outcome: Outcome) => void,
    private readonly reject: (error: Error) => void,
  ) {
    patience.works.push(this);
    patience.unsettled += 1;
  }

  get input(): Task['input'] {
    return this.task.input;
  }

  get admitNew(): AdmitNew | undefined {
    return this.task.admitNew;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The first time; later outcomes are of no matter. */
  settle(outcome: Outcome | Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.patience.unsettled -= 1;
    if (this.patience.unsettled === 0) this.patience.end();
    if (outcome instanceof Error) this.reject(outcome);
    else this.resolve(outcome);
  }
}

/** How long works wait that came in the same millisecond: one timer for all of them, since timers cost more than they. */
interface Patience {
  readonly sinceMs: number;
  readonly works: Work[];
  unsettled: number;
  readonly end: () => void;
}

export type Batch = ReadonlyMap<SubjectKey, readonly Work[]>;

export class WorkQueue {
  readonly #clock: Clock;
  readonly #waiting = new Map<SubjectKey, Work[]>();
  readonly #underWay = new Set<SubjectKey>();
  #count = 0;
  #patience: Patience | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves, or rejects, as its work is settled; rejects with StoreUnavailableError when it takes longer than 2 s. */
  add(key: SubjectKey, task: Task = {}): Promise<Outcome> {
    if (this.#count >= MAX_WAITING) return Promise.reject(new StoreUnavailableError('too many events wait'));
    return new Promise((resolve, reject) => {
      const work = new Work(task, this.#patienceNow(), resolve, reject);
      const own = this.#waiting.get(key);
      if (own) own.push(work);
      else this.#waiting.set(key, [work]);
      this.#count += 1;
    });
  }

  /** If no batch under way has any of them. */
  get hasFullBatch(): boolean {
    return this.#waiting.size >= MAX_BATCH_PARTICIPANTS;
  }

  /** The works that waited longest, to be given back with `release`; empty when none can be taken. */
  take(): Batch {
    const batch = new Map<SubjectKey, readonly Work[]>();
    let room = MAX_BATCH_EVENTS;
    for (const [key, works] of this.#waiting) {
      if (batch.size === MAX_BATCH_PARTICIPANTS || room === 0) break;
      if (this.#underWay.has(key)) continue;
      const wanted = works.filter(({ isSettled }) => !isSettled);
      const taken = wanted.splice(0, room);
      this.#count -= works.length - wanted.length;
      if (wanted.length > 0) this.#waiting.set(key, wanted);
      else this.#waiting.delete(key);
      if (taken.length > 0) batch.set(key, taken);
      room -= taken.length;
    }
    for (const key of batch.keys()) this.#underWay.add(key);
    return batch;
  }

  release(batch: Batch): void {
    for (const key of batch.keys()) this.#underWay.delete(key);
  }

  #patienceNow(): Patience {
    const sinceMs = this.#clock.now();
    // One whose works are all settled has no timer any more.
    if (this.#patience?.sinceMs === sinceMs && this.#patience.unsettled > 0) return this.#patience;
    const works: Work[] = [];
    const end = this.#clock.after(TIME_LIMIT_MS, () => {
      for (const work of works) work.settle(new StoreUnavailableError('out of time'));
    });
    this.#patience = { sinceMs, works, unsettled: 0, end };
    return this.#patience;
  }
}
