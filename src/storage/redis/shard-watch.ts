// What is known of the data of one shard, and what a new look at it reveals.
//
// Replication is asynchronous, so a promoted replica may lack the newest commits, and so may a server that was restarted or
// flushed. A counter that every process increments reveals that: its new value is never as low as an earlier one, unless data
// was lost.
import type { Incident } from '../ports.js';
import type { Seen } from './last-seen.js';

/** Half an hour. If the loss goes back further, its start is unknown. */
const MAX_SAMPLES = 900;

interface Look {
  /** undefined: nothing was ever committed, or all of it was lost. */
  readonly epoch: string | undefined;
  readonly count: number;
  /** Identifies the server process. */
  readonly runId: string | undefined;
  readonly atMs: number;
}

/** More than the processes apply again by themselves. */
export interface Loss extends Pick<Incident, 'kind' | 'lostFromMs'> {
  /** That of the lost data. */
  readonly epoch: string | undefined;
  readonly runId: string | undefined;
}

export class ShardWatch {
  /** Oldest first. */
  #samples: Pick<Look, 'count' | 'atMs'>[];
  #epoch: string | undefined;
  #runId: string | undefined;

  /** `seen`: by a process before this one. */
  constructor(
    private readonly replayWindowMs: number,
    seen?: Seen,
  ) {
    this.#epoch = seen?.epoch;
    this.#samples = seen ? [seen] : [];
  }

  get seen(): Seen | undefined {
    const last = this.#samples.at(-1);
    return this.#epoch !== undefined && last ? { epoch: this.#epoch, ...last } : undefined;
  }

  /** undefined: all is as it was. `possible`: another process answers, or the processes apply again what was lost. */
  compare({ epoch, count, runId, atMs }: Look): Loss | 'possible' | undefined {
    const last = this.#samples.at(-1);
    const isEmptied = this.#epoch !== undefined && epoch !== this.#epoch;
    const isRolledBack = !isEmptied && this.#epoch !== undefined && last !== undefined && count <= last.count;
    const isOther = this.#runId !== undefined && runId !== this.#runId;
    const lostEpoch = this.#epoch;
    const kept = this.#samples.filter((sample) => sample.count < count).at(-1);
    if (isEmptied || isRolledBack) this.#samples = [];
    this.#epoch = epoch;
    this.#runId = runId;
    this.#samples.push({ count, atMs });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    if (!isEmptied && !isRolledBack) return isOther ? 'possible' : undefined;
    const lostFromMs = isRolledBack ? kept?.atMs : undefined;
    const isHealed = lostFromMs !== undefined && last !== undefined && last.atMs - lostFromMs <= this.replayWindowMs;
    if (isHealed) return 'possible';
    return { kind: isEmptied ? 'store-emptied' : 'store-rolled-back', lostFromMs, epoch: lostEpoch, runId };
  }
}
