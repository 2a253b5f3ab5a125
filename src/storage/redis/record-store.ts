// Records in Redis: one key each. commit.lua compares and sets them together with their index entries and changes.
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import { newEpoch } from '../feed-position.js';
import type { Changeset, Due, DueClaim, RecordStore, StoredRecord, StoreUnavailableError } from '../ports.js';
import { commitCall, MAX_CHANGESETS, type ScriptCall } from './commit-call.js';
import { type Durability, reachDurability } from './durability.js';
import type { IndexRepair } from './index-repair.js';
import type { RedisLabelIndex } from './label-index.js';
import { probeCall } from './probe-call.js';
import { pairs } from './replies.js';
import { type Confirm, loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';

type Outcome = 'done' | 'conflict';

interface RecordStoreParts {
  readonly labels: RedisLabelIndex;
  readonly repair: IndexRepair;
  readonly durability: Durability;
}

export class RedisRecordStore implements RecordStore {
  readonly #shards: Shards;
  readonly #commit: Script;
  readonly #claimDue: Script;
  readonly #labels: RedisLabelIndex;
  readonly #repair: IndexRepair;
  /** undefined: a commit is acknowledged once it is in memory. */
  readonly #confirm: Confirm | undefined;

  constructor(shards: Shards, { labels, repair, durability }: RecordStoreParts) {
    this.#labels = labels;
    this.#confirm = durability === 'memory' ? undefined : confirmTo(durability, shards);
    this.#repair = repair;
    this.#shards = shards;
    this.#commit = loadScript(shards, 'feed', 'commit');
    this.#claimDue = loadScript(shards, 'claim-due');
  }

  load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null | StoreUnavailableError)[]> {
    return this.#shards.forItems(
      keys,
      (key) => key,
      async (shard, own) => {
        const records = own.map((key) => shard.record(key));
        return this.#shards.run(shard, (commands) => commands.mget(records));
      },
    );
  }

  async commit(changesets: readonly Changeset[]): Promise<(Outcome | StoreUnavailableError)[]> {
    const outcomes = await this.#shards.forItems(
      changesets,
      ({ key }) => key,
      async (shard, own) => {
        const outcomes: Promise<Outcome[]>[] = [];
        for (let first = 0; first < own.length; first += MAX_CHANGESETS) {
          outcomes.push(this.#commitTo(shard, own.slice(first, first + MAX_CHANGESETS)));
        }
        return (await Promise.all(outcomes)).flat();
      },
    );
    if (outcomes.includes('done')) this.#shards.accepted('store callbacks');
    return outcomes;
  }

  async claimDue({ nowMs, untilMs, limit }: DueClaim): Promise<Due> {
    const maximum = Math.min(Math.ceil(limit / this.#shards.all.length), MAX_CHANGESETS);
    const earliest = await this.#shards.fromReachable('read deadlines', async (shard) => {
      const reply = await this.#claimDue(shard, { keys: [shard.due], args: [nowMs, untilMs, maximum] });
      const entries = pairs(reply as string[]).map(([key, dueMs]) => ({
        key: key as SubjectKey,
        dueMs: Number(dueMs),
      }));
      return entries.map((entry, n) => ({ ...entry, isClaimed: n < maximum && entry.dueMs <= nowMs }));
    });
    const entries = earliest.flat().sort((a, b) => a.dueMs - b.dueMs);
    return {
      keys: entries.filter(({ isClaimed }) => isClaimed).map(({ key }) => key),
      nextDueMs: entries.find(({ isClaimed }) => !isClaimed)?.dueMs ?? null,
    };
  }

  async size(): Promise<number> {
    // Every participant has a deadline.
    const sizes = await this.#shards.fromEach('read participants', async (shard) =>
      this.#shards.run(shard, (commands) => commands.zcard(shard.due)),
    );
    return sizes.reduce((total, size) => total + size, 0);
  }

  /**
   * Does what `load` and `commit` do, without effect. If it resolves, all earlier commits are durable as well. `sources`: whose keys
   * are checked.
   */
  async probe(shard: Shard, sources: readonly SourceName[]): Promise<void> {
    const member = newEpoch();
    await Promise.all([
      this.#shards.run(shard, (commands) => commands.mget(shard.probe(member))),
      this.#withLabels(shard, (labels) => probeCall(shard, { sources, labels }, member, newEpoch())),
    ]);
  }

  /** Once more if other labels are indexed than this process knew. */
  async #withLabels(shard: Shard, callFor: (labels: string) => ScriptCall): Promise<unknown> {
    for (;;) {
      const call = callFor(this.#labels.known(shard));
      const reply = await this.#commit(shard, call, this.#confirm);
      if (typeof reply !== 'string') return reply;
      this.#labels.learn(shard, reply);
    }
  }

  /**
   * The script stores all or none: on a conflict, it is retried with the other changesets; and once more if the index had to be
   * repaired first.
   */
  async #commitTo(shard: Shard, changesets: readonly Changeset[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = changesets.map(() => 'done');
    for (let pending = [...changesets.keys()]; pending.length > 0; ) {
      const attempted = pending.map((index) => changesets[index] as Changeset);
      const reply = await this.#withLabels(shard, (labels) => commitCall(shard, attempted, labels, newEpoch()));
      const [conflicts = [], lost = []] = reply as [number[], SubjectKey[]] | [];
      if (lost.length > 0) await this.#repair.remove(shard, lost);
      else if (conflicts.length === 0) break;
      for (const number of conflicts) outcomes[pending[number - 1] as number] = 'conflict';
      pending = pending.filter((index) => outcomes[index] === 'done');
    }
    return outcomes;
  }
}

function confirmTo(level: Exclude<Durability, 'memory'>, { client }: Shards): Confirm {
  return async (reply, commands) => {
    // The reply of commit.lua if something was stored.
    const isStored = Array.isArray(reply) && reply.length === 0;
    if (!isStored) return;
    client.traffic.roundTrips += 1;
    await reachDurability(commands, level);
  };
}
