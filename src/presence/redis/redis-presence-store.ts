// The store port on Redis. All keys of a participant are in one shard, and one script commits to one shard, so what
// belongs together is stored together. Reads are one round trip a shard.
import type { Redis } from 'ioredis';
import type { ParticipantId } from '../domain/lifecycle-event.js';
import { type FeedPosition, newEpoch } from '../feed-position.js';
import { compareBytes, mergePages } from '../page-order.js';
import {
  type Changeset,
  type Due,
  type FeedEntry,
  type FeedLimits,
  type Occupancy,
  type PageCursor,
  type PageFilter,
  type PageItem,
  type PresenceStore,
  type Snapshot,
  type StoredRecord,
  StoreUnavailableError,
  type TagOccupancy,
} from '../presence-store.js';
import { commitCall, MOST_CHANGESETS } from './commit-call.js';
import { RedisFeed } from './redis-feed.js';
import { pairs, sum, toOccupancy, toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import { Shard, shardNumber } from './shard.js';

export interface RedisStoreOptions {
  readonly description: string;
  /** What every key begins with. */
  readonly prefix: string;
  /** How many shards; never to be changed for the same data. */
  readonly shards: number;
}

type Outcome = 'done' | 'conflict';

export class RedisPresenceStore implements PresenceStore {
  readonly description: string;
  readonly #redis: Redis;
  readonly #shards: readonly Shard[];
  readonly #feed: RedisFeed;
  readonly #commit: Script;
  readonly #page: Script;
  readonly #tags: Script;

  /** `redis` must not queue commands while it is disconnected, nor send one again: a commit is never repeated blindly. */
  constructor(redis: Redis, { description, prefix, shards }: RedisStoreOptions) {
    this.description = description;
    this.#redis = redis;
    this.#shards = Array.from({ length: shards }, (_, number) => new Shard(prefix, number));
    this.#feed = new RedisFeed(redis, this.#shards);
    this.#commit = loadScript(redis, 'feed', 'commit');
    this.#page = loadScript(redis, 'feed', 'page');
    this.#tags = loadScript(redis, 'feed', 'tags');
  }

  load(participantIds: readonly ParticipantId[]): Promise<(StoredRecord | null | StoreUnavailableError)[]> {
    return this.#inShards(
      participantIds,
      (id) => id,
      (shard, ids) => this.#redis.mget(ids.map((id) => shard.record(id))),
    );
  }

  commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]> {
    return this.#inShards(
      changesets,
      ({ participantId }) => participantId,
      async (shard, own) => {
        const outcomes: Promise<Outcome[]>[] = [];
        for (let first = 0; first < own.length; first += MOST_CHANGESETS) {
          outcomes.push(this.#commitTo(shard, own.slice(first, first + MOST_CHANGESETS)));
        }
        return (await Promise.all(outcomes)).flat();
      },
    );
  }

  async page({ states, tag }: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>> {
    const cursor = after ? [after.sinceMs, after.participantId] : ['', ''];
    const answers = await this.#fromShards(async (shard) => {
      const indexes = states.map((state) => shard.set(state, tag));
      const keys = [shard.epoch, shard.changes, shard.recordPrefix, ...indexes];
      return (await this.#page({ keys, args: [newEpoch(), ...cursor, limit] })) as [string, string, ...string[][]];
    });
    const pages = answers.flatMap(([, , ...found]) => found.map(toPageItems));
    return { items: mergePages(pages, limit), position: answers.map(([epoch, entry]) => ({ epoch, entry })) };
  }

  async occupancy(tag?: string): Promise<Occupancy> {
    const counts = await this.#fromShards(async (shard) => {
      const sets = (['connected', 'reconnecting', 'more', 'none'] as const).map((name) => shard.set(name, tag));
      // MULTI: the counts are of one moment.
      const replies = await sets.reduce((multi, key) => multi.zcard(key), this.#redis.multi()).exec();
      return (replies ?? []).map(([error, count]) => {
        if (error) throw error;
        return count as number;
      });
    });
    return sum(counts.map(toOccupancy));
  }

  async tags(after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    const answers = await this.#fromShards(async ({ epoch, changes, tags, tagPrefix }) => {
      const args = [newEpoch(), after ?? '', limit];
      return (await this.#tags({ keys: [epoch, changes, tags, tagPrefix], args })) as [string, string, string[]];
    });
    const byTag = new Map<string, Occupancy[]>();
    for (const [, , counts] of answers) {
      for (let i = 0; i < counts.length; i += 5) {
        const tag = String(counts[i]);
        byTag.set(tag, [...(byTag.get(tag) ?? []), toOccupancy(counts.slice(i + 1, i + 5).map(Number))]);
      }
    }
    const items = [...byTag].map(([tag, parts]) => ({ tag, ...sum(parts) }));
    return {
      items: items.sort((a, b) => compareBytes(a.tag, b.tag)).slice(0, limit),
      position: answers.map(([epoch, entry]) => ({ epoch, entry })),
    };
  }

  async due(nowMs: number, limit: number): Promise<Due> {
    // One more than asked for tells what is due next, or that there is more to do now.
    const earliest = await this.#fromShards((shard) => this.#redis.zrange(shard.due, 0, String(limit), 'WITHSCORES'));
    const entries = earliest.flatMap((reply) => pairs(reply).map(([id, dueMs]) => ({ id, dueMs: Number(dueMs) })));
    entries.sort((a, b) => a.dueMs - b.dueMs);
    const due = entries.filter(({ dueMs }) => dueMs <= nowMs).slice(0, limit);
    const next = entries.find(({ dueMs }) => dueMs > nowMs);
    return { participantIds: due.map(({ id }) => id as ParticipantId), nextDueMs: next?.dueMs ?? null };
  }

  position(): Promise<FeedPosition> {
    return orUnavailable(this.#feed.position());
  }

  changes(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    return orUnavailable(this.#feed.changes(after, limit));
  }

  changed(after: FeedPosition, signal: AbortSignal): Promise<void> {
    return orUnavailable(this.#feed.changed(after, signal));
  }

  trim(limits: FeedLimits): Promise<boolean> {
    return orUnavailable(this.#feed.trim(limits));
  }

  async bind(ref: string, participantId: ParticipantId, untilMs: number): Promise<ParticipantId> {
    const key = (this.#shards[shardNumber(ref, this.#shards.length)] as Shard).ref(ref);
    // MULTI: what is there, whoever was first.
    const transaction = this.#redis.multi().set(key, participantId, 'PXAT', untilMs, 'NX').get(key);
    const [, [error, bound] = []] = (await orUnavailable(transaction.exec())) ?? [];
    if (error) throw unavailable(error);
    // null: that time has passed already.
    return (bound ?? participantId) as ParticipantId;
  }

  async check(): Promise<void> {
    // A write: a server that is full, read-only or fails to persist still answers PING.
    await this.#fromShards((shard) => this.#redis.set(shard.check, 1, 'EX', 60));
  }

  async close(): Promise<void> {
    this.#feed.close();
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  /** The script stores all or nothing: those that are in no conflict are then asked for by themselves. */
  async #commitTo(shard: Shard, changesets: readonly Changeset[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = changesets.map(() => 'done');
    for (let wanted = [...changesets.keys()]; wanted.length > 0; ) {
      const asked = wanted.map((place) => changesets[place] as Changeset);
      const conflicts = (await this.#commit(commitCall(shard, asked, newEpoch()))) as number[];
      if (conflicts.length === 0) break;
      for (const number of conflicts) outcomes[wanted[number - 1] as number] = 'conflict';
      wanted = wanted.filter((place) => outcomes[place] === 'done');
    }
    return outcomes;
  }

  #shardOf(participantId: ParticipantId): number {
    return shardNumber(participantId, this.#shards.length);
  }

  /** One call for the items of each shard; the answers, or the shard's failure, in the order of the items. */
  async #inShards<T, R>(
    items: readonly T[],
    idOf: (item: T) => ParticipantId,
    call: (shard: Shard, own: T[]) => Promise<R[]>,
  ): Promise<(R | StoreUnavailableError)[]> {
    const [only] = this.#shards;
    if (only && this.#shards.length === 1) {
      if (items.length === 0) return [];
      return call(only, [...items]).catch((error) => items.map(() => unavailable(error)));
    }
    const results = Array.from<R | StoreUnavailableError>({ length: items.length });
    await Promise.all(
      this.#shards.map(async (shard, number) => {
        const places = [...items.keys()].filter((place) => this.#shardOf(idOf(items[place] as T)) === number);
        if (places.length === 0) return;
        const own = places.map((place) => items[place] as T);
        const answers = await call(shard, own).catch((error) => own.map(() => unavailable(error)));
        places.forEach((place, n) => {
          results[place] = answers[n] as R | StoreUnavailableError;
        });
      }),
    );
    return results;
  }

  #fromShards<R>(call: (shard: Shard, number: number) => Promise<R>): Promise<R[]> {
    return orUnavailable(Promise.all(this.#shards.map(call)));
  }
}

async function orUnavailable<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`Redis: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
