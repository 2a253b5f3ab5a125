// How many participants the store may hold. Callbacks of those it holds are always taken; a new one needs a place. The number
// is read from the store every 2 s, and what this process adds and removes is counted at once: of several processes on one
// Redis each may go beyond the limit by what the others add within 2 s.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import type { Changeset, RecordStore } from '../../storage/ports.js';
import { RECORD_STORE } from '../../storage/tokens.js';

const REFRESH_MS = 2_000;
/** Parts of the limit. The second one is lower, so that a number that moves around the first one is logged once. */
const WARNING_PART = 0.8;
const RECOVERY_PART = 0.75;

/** A new participant, for which there is no place. */
export class ParticipantLimitError extends Error {
  override readonly name = 'ParticipantLimitError';

  constructor() {
    super('the store holds as many participants as it may');
  }
}

/** For injection. */
export const MAX_PARTICIPANTS = Symbol('MaxParticipants');

@Injectable()
export class ParticipantLimit {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #max: number;
  /** As it was read last; undefined: not yet, and nobody is refused. */
  #size: number | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** Stored less forgotten by this process since the number was read. */
  #growth = 0;
  /** Admitted, and not committed yet. */
  #pending = 0;
  #isWarned = false;

  /** `maxParticipants`: 0 for no limit. */
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

  /** Reads the number again if it is old. A failure leaves it as it is. */
  async refresh(): Promise<void> {
    if (this.#max === 0 || this.#clock.now() - this.#readAtMs < REFRESH_MS) return;
    this.#reading ??= this.#read();
    await this.#reading;
  }

  /** Why there is no place for a new participant; undefined: there is one. */
  refusal(): ParticipantLimitError | undefined {
    return this.#max > 0 && this.#count >= this.#max ? new ParticipantLimitError() : undefined;
  }

  /** Takes a place, until `commit` is asked to store the participant. */
  admit(): void {
    this.#pending += 1;
  }

  /** `commit` of the records, with what it changes counted. */
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

  /** Unless it was read, of no use. */
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
      this.#log.debug({ reason: (error as Error).message }, 'the number of participants cannot be read');
    } finally {
      this.#readAtMs = this.#clock.now();
      this.#reading = undefined;
    }
  }

  #report(): void {
    if (this.#max === 0) return;
    const facts = { participants: this.#count, maxParticipants: this.#max };
    if (!this.#isWarned && this.#count >= WARNING_PART * this.#max) {
      this.#isWarned = true;
      this.#log.warn(facts, 'the store holds 80 % of MAX_PARTICIPANTS; at 100 % new participants are refused');
    } else if (this.#isWarned && this.#count < RECOVERY_PART * this.#max) {
      this.#isWarned = false;
      this.#log.info(facts, 'the store holds less than 75 % of MAX_PARTICIPANTS again');
    }
  }
}

function growthOf(changeset: Changeset | undefined): number {
  return Number(Boolean(changeset?.after)) - Number(Boolean(changeset?.before));
}
