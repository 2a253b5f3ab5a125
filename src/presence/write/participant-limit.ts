// Limits the number of participants in the store. Callbacks of stored participants are always accepted. The count is read
// from the store every 2 s and adjusted for this process's own commits: with several processes on one Redis, the limit
// can be exceeded by what the others add within 2 s.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import type { Changeset, RecordStore } from '../../storage/ports.js';
import { RECORD_STORE } from '../../storage/tokens.js';

const REFRESH_MS = 2_000;
/** Fractions of the limit. Recovery is lower, so that a count that hovers around the warning level is logged once. */
const WARNING_SHARE = 0.8;
const RECOVERY_SHARE = 0.75;

export class ParticipantLimitError extends Error {
  override readonly name = 'ParticipantLimitError';

  constructor() {
    super('the store has reached MAX_PARTICIPANTS');
  }
}

export const MAX_PARTICIPANTS = Symbol('MaxParticipants');

@Injectable()
export class ParticipantLimit {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #max: number;
  /** The count last read; undefined: not read yet, nobody is refused. */
  #size: number | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** Participants added minus removed by this process since the last read. */
  #growth = 0;
  /** Admitted but not committed yet. */
  #pending = 0;
  #isWarned = false;

  /** `maxParticipants`: 0 means no limit. */
  constructor(
    @Inject(RECORD_STORE) records: RecordStore,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOG) log: Logger,
    @Inject(MAX_PARTICIPANTS) maxParticipants: number,
  ) {
    this.#records = records;
    this.#clock = clock;
    this.#log = log;
    this.#max = maxParticipants;
  }

  /** Reads the count again if it is stale. If that fails, the old count stays. */
  async refresh(): Promise<void> {
    if (this.#max === 0 || this.#clock.now() - this.#readAtMs < REFRESH_MS) return;
    this.#reading ??= this.#read();
    await this.#reading;
  }

  /** undefined: a new participant may be stored. */
  refusal(): ParticipantLimitError | undefined {
    return this.#max > 0 && this.#count >= this.#max ? new ParticipantLimitError() : undefined;
  }

  /** Reserves a slot for a new participant until its `commit`. */
  reserve(): void {
    this.#pending += 1;
  }

  /** Commits, and updates the count. */
  async commit(changesets: readonly Changeset[]): ReturnType<RecordStore['commit']> {
    try {
      const outcomes = await this.#records.commit(changesets);
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome === 'done') this.#growth += growthOf(changesets[index]);
      }
      return outcomes;
    } finally {
      this.#pending -= changesets.filter((changeset) => growthOf(changeset) > 0).length;
      this.#report();
    }
  }

  get #count(): number {
    return (this.#size ?? Number.NEGATIVE_INFINITY) + this.#growth + this.#pending;
  }

  async #read(): Promise<void> {
    const growthBefore = this.#growth;
    try {
      this.#size = await this.#records.size();
      this.#growth -= growthBefore;
      this.#report();
    } catch (error) {
      this.#log.debug({ reason: (error as Error).message }, 'cannot read the number of participants');
    } finally {
      this.#readAtMs = this.#clock.now();
      this.#reading = undefined;
    }
  }

  #report(): void {
    if (this.#max === 0) return;
    const facts = { participants: this.#count, maxParticipants: this.#max };
    if (!this.#isWarned && this.#count >= WARNING_SHARE * this.#max) {
      this.#isWarned = true;
      this.#log.warn(facts, 'the store holds 80 % of MAX_PARTICIPANTS; at 100 % new participants are refused');
    } else if (this.#isWarned && this.#count < RECOVERY_SHARE * this.#max) {
      this.#isWarned = false;
      this.#log.info(facts, 'the store holds less than 75 % of MAX_PARTICIPANTS again');
    }
  }
}

function growthOf(changeset: Changeset | undefined): number {
  return Number(Boolean(changeset?.after)) - Number(Boolean(changeset?.before));
}
