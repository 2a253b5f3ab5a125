// The store port on Redis. All keys of a participant are in one shard, and one script commits to one shard, so what
// belongs together is stored together. Reads are one round trip a shard.
import type { Redis } from 'ioredis';
import type { ParticipantId } from '../domain/lifecycle-event.js';
import { compareBytes, mergePages } from '../page-order.js';
import {
  type Changeset,
  type Due,
  type FeedItem,
  type Occupancy,
  type PageCursor,
  type PageFilter,
  type PageItem,
  type PresenceStore,
  type StoredRecord,
  StoreUnavailableError,
  type TagOccupancy,
} from '../presence-store.js';
import { commitCall } from './commit-call.js';
import { compareStreamIds, pairs, sum, toOccupancy, toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import { Shard, shardNumber } from './shard.js';

export interface RedisStoreOptions {
  readonly description: string;
  /** What every key begins with. */
  readonly prefix: string;
  /** How many shards; never to be changed for the same data. */
  readonly shards: number;
}

export class RedisPresenceStore implements PresenceStore {
  readonly description: string;
  readonly #redis: Redis;
  readonly #shards: readonly Shard[];
  readonly #commit: Script;
  readonly #page: Script;
  readonly #tags: Script;

  /** `redis` must not queue commands while it is disconnected, nor send one again: a commit is never repeated blindly. */
  constructor(redis: Redis, { description, prefix, shards }: RedisStoreOptions) {
    this.description = description;
    this.#redis = redis;
    this.#shards = Array.from({ length: shards }, (_, number) => new Shard(prefix, number));
    this.#commit = loadScript(redis, 'commit');
    this.#page = loadScript(redis, 'page');
    this.#tags = loadScript(redis, 'tags');
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
        const outcomes = (await this.#commit(commitCall(shard, own))) as number[];
        return outcomes.map((outcome) => (outcome === 1 ? 'done' : 'conflict'));
      },
    );
  }

  async page({ states, tag }: PageFilter, after: PageCursor | null, limit: number): Promise<PageItem[]> {
    const args = after ? [after.sinceMs, after.participantId, limit] : ['', '', limit];
    const pages = await this.#fromShards(async (shard) => {
      const indexes = states.map((state) => shard.set(state, tag));
      return (await this.#page({ keys: [shard.recordPrefix, ...indexes], args })) as string[][];
    });
    return mergePages(pages.flat().map(toPageItems), limit);
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

  async tags(after: string | null, limit: number): Promise<TagOccupancy[]> {
    const replies = await this.#fromShards(
      (shard) => this.#tags({ keys: [shard.tags, shard.tagPrefix], args: [after ?? '', limit] }) as Promise<string[]>,
    );
    const byTag = new Map<string, Occupancy[]>();
    for (const reply of replies) {
      for (let i = 0; i < reply.length; i += 5) {
        const tag = String(reply[i]);
        byTag.set(tag, [...(byTag.get(tag) ?? []), toOccupancy(reply.slice(i + 1, i + 5).map(Number))]);
      }
    }
    const items = [...byTag].map(([tag, parts]) => ({ tag, ...sum(parts) }));
    return items.sort((a, b) => compareBytes(a.tag, b.tag)).slice(0, limit);
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

  async changes(after: string | null, limit: number): Promise<FeedItem[]> {
    const positions = after?.split(',') ?? this.#shards.map(() => '0-0');
    const streams = await this.#fromShards((shard, number) =>
      this.#redis.xrange(shard.changes, `(${positions[number]}`, '+', 'COUNT', limit),
    );
    const entries = streams.flatMap((stream, shard) =>
      stream.map(([id, fields]) => ({ shard, id, change: fields[1] ?? '' })),
    );
    return entries
      .sort((a, b) => compareStreamIds(a.id, b.id))
      .slice(0, limit)
      .map(({ shard, id, change }) => {
        positions[shard] = id;
        return { position: positions.join(','), change };
      });
  }

  async check(): Promise<void> {
    // A write: a server that is full, read-only or fails to persist still answers PING.
    await this.#fromShards((shard) => this.#redis.set(shard.check, 1, 'EX', 60));
  }

  async close(): Promise<void> {
    await this.#redis.quit().catch(() => this.#redis.disconnect());
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

  async #fromShards<R>(call: (shard: Shard, number: number) => Promise<R>): Promise<R[]> {
    try {
      return await Promise.all(this.#shards.map(call));
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function unavailable(cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`Redis: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
