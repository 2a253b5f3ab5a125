// Removes participants from the index whose record is gone, because somebody deleted the key or Redis evicted it: they would be
// counted until their deadline, which may be hours away, and beyond it, since nothing can be announced without a record.
//
// They are found in three ways: by examining all participants in small steps, when a page contains one, and when a commit is to
// store a new record of one. Every participant in an index has a deadline, in one set, and leaves that set last. Until then
// commit.lua stores no new record of it, so what is removed is never the entry of a new record.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import { type SubjectKey, subjectOf } from '../encoding/subject-key.js';
import type { Group } from '../ports.js';
import { loadScript, type Script } from './script.js';
import { NAMED_KINDS, type Shard } from './shard.js';
import type { Shards } from './shards.js';

/** Redis examines this many in less than a millisecond. */
const STEP_SIZE = 500;
const STEP_MS = 100;
const PAUSE_MS = 60_000;
/** Of tags, and of labels. Redis removes a participant from this many in about a millisecond. */
const NAMES_PER_CALL = 500;

interface RepairOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

export class IndexRepair {
  readonly #shards: Shards;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lost: Script;
  readonly #unlist: Script;
  /** Where the next step continues: the number of a shard, and a rank in it. */
  #shard = 0;
  #rank = 0;
  #isStopped = false;
  #cancel = () => {};

  constructor(shards: Shards, { clock, log }: RepairOptions) {
    this.#shards = shards;
    this.#clock = clock;
    this.#log = log;
    this.#lost = loadScript(shards, 'lost');
    this.#unlist = loadScript(shards, 'unlist');
  }

  /** Takes a step now, and all further ones when they are due. */
  start(): void {
    const step = this.step().catch(() => false);
    void step.then((isMore) => {
      if (!this.#isStopped) this.#cancel = this.#clock.after(isMore ? STEP_MS : PAUSE_MS, () => this.start());
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /**
   * Examines the next participants. Resolves with whether there are more; the step after the last one begins again. Rejects with
   * StoreUnavailableError.
   */
  step(): Promise<boolean> {
    return this.#shards.attempt('repair the index', async () => {
      const shard = this.#shards.all[this.#shard] as Shard;
      // Unless there is more in this shard: one that cannot be reached is left out.
      const next = (this.#shard + 1) % this.#shards.all.length;
      const rank = this.#rank;
      [this.#shard, this.#rank] = [next, 0];
      const keys = [shard.due, shard.recordPrefix];
      const reply = await this.#lost(shard, { keys, args: [rank, rank + STEP_SIZE - 1] });
      const [examined, ...lost] = reply as [number, ...SubjectKey[]];
      await this.remove(shard, lost);
      if (examined < STEP_SIZE) return next > 0;
      [this.#shard, this.#rank] = [this.#shards.all.indexOf(shard), rank + examined - lost.length];
      return true;
    });
  }

  /**
   * Removes those that still have no record. `group`: one that they may be in. A tag or label is found without it only while
   * somebody who has it is present.
   */
  async remove(shard: Shard, keys: readonly SubjectKey[], group?: Group): Promise<void> {
    const outcomes = await Promise.all(keys.map((key) => this.#remove(shard, key, group)));
    const removed = keys.filter((_, n) => outcomes[n] === 'removed');
    const [first] = removed;
    if (first === undefined) return;
    this.#log.error(
      { participants: removed.length, first: subjectOf(first) },
      'Redis has lost the records of participants: they are forgotten, and no changes are announced for them',
    );
  }

  async #remove(shard: Shard, key: SubjectKey, group?: Group): Promise<string> {
    const { source, scope, participantId } = subjectOf(key);
    const groups: (Group | undefined)[] = group ? [undefined, group] : [undefined];
    if (scope !== '') groups.push({ kind: 'scope', name: scope }, { kind: 'id', name: participantId });
    const sets = groups.map((one) => shard.setPrefix(source, one));
    const listed = NAMED_KINDS.flatMap((kind) => [shard.names(source, kind), shard.kindPrefix(source, kind)]);
    const keys = [shard.record(key), shard.due, ...listed, ...sets];
    for (let after = ['', '']; ; ) {
      const reply = await this.#unlist(shard, { keys, args: [key, ...after, NAMES_PER_CALL] });
      const [outcome, ...last] = reply as [string, ...string[]];
      if (outcome !== 'more') return outcome;
      after = last;
    }
  }
}
