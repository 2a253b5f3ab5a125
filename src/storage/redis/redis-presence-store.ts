// The store port on Redis. All keys of a participant are in one shard, and one script commits to one shard, so what
// belongs together is stored together. Reads are one round trip a shard.
import type { Logger } from 'pino';
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import { type FeedPosition, newEpoch } from '../feed-position.js';
import { compareBytes, mergePages } from '../page-order.js';
import {
  type Changeset,
  type Due,
  type FeedEntry,
  type FeedLimits,
  type Occupancy,
  type OccupancyFilter,
  type PageCursor,
  type PageFilter,
  type PageItem,
  type PresenceStore,
  type Snapshot,
  type StoredRecord,
  type StoreOperation,
  StoreUnavailableError,
  type TagOccupancy,
} from '../ports.js';
import { RefusalLog } from '../refusal-log.js';
import { commitCall, MOST_CHANGESETS } from './commit-call.js';
import { probeCall } from './probe-call.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisFeed } from './redis-feed.js';
import { refusalOf } from './refusal.js';
import { pairs, sum, toOccupancy, toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import { Shard, shardNumber } from './shard.js';
import { runTransaction } from './transaction.js';

export interface RedisStoreOptions {
  readonly description: string;
  /** What every key begins with. */
  readonly prefix: string;
  /** How many shards; never to be changed for the same data. */
  readonly shards: number;
  /** Whose keys `check` looks at. */
  readonly sources: readonly SourceName[];
  readonly log: Logger;
}

/** From the sizes of these follows how many participants and devices are present. */
const COUNTED_SETS = ['connected', 'reconnecting', 'more', 'none'] as const;
/** A time that has passed already. */
const EXPIRED_MS = 1;

type Outcome = 'done' | 'conflict';

export class RedisPresenceStore implements PresenceStore {
  readonly description: string;
  readonly #redis: RedisConnection;
  readonly #refusals: RefusalLog;
  readonly #shards: readonly Shard[];
  readonly #sources: readonly SourceName[];
  readonly #feed: RedisFeed;
  readonly #commit: Script;
  readonly #page: Script;
  readonly #tags: Script;

  constructor(redis: RedisConnection, { description, prefix, shards, sources, log }: RedisStoreOptions) {
    this.description = description;
    this.#redis = redis;
    this.#refusals = new RefusalLog(log, 'Redis');
    this.#shards = Array.from({ length: shards }, (_, number) => new Shard(prefix, number));
    this.#sources = sources;
    this.#feed = new RedisFeed(redis, this.#shards);
    this.#commit = loadScript(redis, 'feed', 'commit');
    this.#page = loadScript(redis, 'feed', 'page');
    this.#tags = loadScript(redis, 'feed', 'tags');
  }

  load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null | StoreUnavailableError)[]> {
    return this.#inShards(
      keys,
      (key) => key,
      async (shard, own) => this.#redis.commands.mget(own.map((key) => shard.record(key))),
    );
  }

  async commit(changesets: readonly Changeset[]): Promise<('done' | 'conflict' | StoreUnavailableError)[]> {
    const outcomes = await this.#inShards(
      changesets,
      ({ key }) => key,
      async (shard, own) => {
        const outcomes: Promise<Outcome[]>[] = [];
        for (let first = 0; first < own.length; first += MOST_CHANGESETS) {
          outcomes.push(this.#commitTo(shard, own.slice(first, first + MOST_CHANGESETS)));
        }
        return (await Promise.all(outcomes)).flat();
      },
    );
    if (outcomes.includes('done')) this.#refusals.accepted('store callbacks');
    return outcomes;
  }

  async page({ states, ...filter }: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>> {
    const cursor = after ? [after.sinceMs, after.key] : ['', ''];
    const answers = await this.#fromShards('read participants', async (shard) => {
      const sources = await this.#sourcesIn(shard, filter);
      const indexes = sources.flatMap((source) => states.map((state) => shard.set(source, state, filter.group)));
      const keys = [shard.epoch, shard.changes, shard.recordPrefix, ...indexes];
      return (await this.#page({ keys, args: [newEpoch(), ...cursor, limit] })) as [string, string, ...string[][]];
    });
    const pages = answers.flatMap(([, , ...found]) => found.map(toPageItems));
    return { items: mergePages(pages, limit), position: answers.map(([epoch, entry]) => ({ epoch, entry })) };
  }

  async occupancy(filter: OccupancyFilter): Promise<Occupancy> {
    const counts = await this.#fromShards('read occupancy', async (shard) => {
      const sources = await this.#sourcesIn(shard, filter);
      const sets = sources.flatMap((source) => COUNTED_SETS.map((name) => shard.set(source, name, filter.group)));
      // MULTI: the counts are of one moment.
      const transaction = sets.reduce((multi, key) => multi.zcard(key), this.#redis.commands.multi());
      const sizes = (await runTransaction(transaction)) as number[];
      return sources.map((_, n) => toOccupancy(sizes.slice(COUNTED_SETS.length * n, COUNTED_SETS.length * (n + 1))));
    });
    return sum(counts.flat());
  }

  async tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    const answers = await this.#fromShards('read tags', async (shard) => {
      const sources = await this.#sourcesIn(shard, { source });
      const keys = [shard.epoch, shard.changes];
      for (const one of sources) keys.push(shard.tags(one), shard.tagPrefix(one));
      const args = [newEpoch(), after ?? '', limit];
      return (await this.#tags({ keys, args })) as [string, string, ...string[][]];
    });
    const byTag = new Map<string, Occupancy[]>();
    for (const counts of answers.flatMap(([, , ...found]) => found)) {
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

  async sources(): Promise<SourceName[]> {
    const found = await this.#fromShards('read participants', (shard) => this.#sourcesIn(shard, {}));
    return [...new Set(found.flat())].sort();
  }

  async due(nowMs: number, limit: number): Promise<Due> {
    // One more than asked for tells what is due next, or that there is more to do now.
    const earliest = await this.#fromShards('read deadlines', async ({ due }) =>
      this.#redis.commands.zrange(due, 0, String(limit), 'WITHSCORES'),
    );
    const entries = earliest.flatMap((reply) => pairs(reply).map(([key, dueMs]) => ({ key, dueMs: Number(dueMs) })));
    entries.sort((a, b) => a.dueMs - b.dueMs);
    const due = entries.filter(({ dueMs }) => dueMs <= nowMs).slice(0, limit);
    const next = entries.find(({ dueMs }) => dueMs > nowMs);
    return { keys: due.map(({ key }) => key as SubjectKey), nextDueMs: next?.dueMs ?? null };
  }

  async size(): Promise<number> {
    // Every participant has a deadline.
    const sizes = await this.#fromShards('read participants', async ({ due }) => this.#redis.commands.zcard(due));
    return sizes.reduce((total, size) => total + size, 0);
  }

  position(): Promise<FeedPosition> {
    return this.#attempt('read the change feed', () => this.#feed.position());
  }

  changes(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    return this.#attempt('read the change feed', () => this.#feed.changes(after, limit));
  }

  changed(after: FeedPosition, signal: AbortSignal): Promise<void> {
    return this.#attempt('read the change feed', () => this.#feed.changed(after, signal));
  }

  trim(limits: FeedLimits): Promise<boolean> {
    return this.#attempt('trim the change feed', () => this.#feed.trim(limits));
  }

  async bind(ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    const shard = this.#shards[shardNumber(ref, this.#shards.length)] as Shard;
    try {
      // Nearly always: a binding never changes. It does not show that callbacks can be stored.
      const known = (await this.#redis.commands.get(shard.ref(ref))) as SubjectKey | null;
      return known ?? (await this.#bind(shard, ref, key, untilMs));
    } catch (error) {
      throw this.#unavailable('store callbacks', error);
    }
  }

  async check(): Promise<void> {
    await this.#fromShards('store callbacks', (shard) => this.#probe(shard));
  }

  async close(): Promise<void> {
    this.#feed.close();
    await this.#redis.close();
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

  async #bind(shard: Shard, ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    const refKey = shard.ref(ref);
    // MULTI: what is there, whoever was first.
    const transaction = this.#redis.commands.multi().set(refKey, key, 'PXAT', untilMs, 'NX').get(refKey);
    const [, bound] = (await runTransaction(transaction)) as [unknown, SubjectKey | null];
    // null: that time has passed already.
    return bound ?? key;
  }

  /** All that a callback needs of the store, in one round trip. What is written is gone again. */
  async #probe(shard: Shard): Promise<void> {
    const member = newEpoch();
    await Promise.all([
      this.#redis.commands.mget(shard.probe(member)),
      this.#commit(probeCall(shard, this.#sources, member, newEpoch())),
      this.#bind(shard, member, member as SubjectKey, EXPIRED_MS),
    ]);
  }

  #shardOf(key: SubjectKey): number {
    return shardNumber(key, this.#shards.length);
  }

  /** Each source has sets of its own. */
  async #sourcesIn(shard: Shard, { source }: Pick<OccupancyFilter, 'source'>): Promise<SourceName[]> {
    if (source !== undefined) return [source];
    return (await this.#redis.commands.smembers(shard.sources)) as SourceName[];
  }

  /** One call for the items of each shard; the answers, or the shard's failure, in the order of the items. */
  async #inShards<T, R>(
    items: readonly T[],
    keyOf: (item: T) => SubjectKey,
    call: (shard: Shard, own: T[]) => Promise<R[]>,
  ): Promise<(R | StoreUnavailableError)[]> {
    const [only] = this.#shards;
    if (only && this.#shards.length === 1) {
      if (items.length === 0) return [];
      return call(only, [...items]).catch((error) => this.#refusedAll(items, error));
    }
    const results = Array.from<R | StoreUnavailableError>({ length: items.length });
    await Promise.all(
      this.#shards.map(async (shard, number) => {
        const places = [...items.keys()].filter((place) => this.#shardOf(keyOf(items[place] as T)) === number);
        if (places.length === 0) return;
        const own = places.map((place) => items[place] as T);
        const answers = await call(shard, own).catch((error) => this.#refusedAll(own, error));
        places.forEach((place, n) => {
          results[place] = answers[n] as R | StoreUnavailableError;
        });
      }),
    );
    return results;
  }

  #fromShards<R>(operation: StoreOperation, call: (shard: Shard) => Promise<R>): Promise<R[]> {
    return this.#attempt(operation, () => Promise.all(this.#shards.map(call)));
  }

  async #attempt<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#refusals.accepted(operation);
      return result;
    } catch (error) {
      throw this.#unavailable(operation, error);
    }
  }

  #refusedAll(items: readonly unknown[], error: unknown): StoreUnavailableError[] {
    const failure = this.#unavailable('store callbacks', error, items.length);
    return items.map(() => failure);
  }

  #unavailable(operation: StoreOperation, cause: unknown, count = 1): StoreUnavailableError {
    const refusal = refusalOf(cause);
    if (refusal) this.#refusals.refused(operation, refusal, count);
    const reason = refusal?.reason ?? (cause instanceof Error ? cause.message : String(cause));
    return new StoreUnavailableError(reason, { cause });
  }
}
