// Bindings in Redis: one expiring key each, and one sorted set per shard that lists them by when they end.
import type { Clock } from '../../runtime/clock.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import { newEpoch } from '../feed-position.js';
import type { BindingCursor, BindingPage, BindingStore } from '../ports.js';
import { ExpiryList } from './expiry-list.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** A time in the past. */
const EXPIRED_MS = 1;

export class RedisBindingStore implements BindingStore {
  readonly #shards: Shards;
  readonly #listed: ExpiryList;

  constructor(shards: Shards, clock: Clock) {
    this.#shards = shards;
    const listOf = (shard: Shard) => shard.refs;
    const prefixOf = (shard: Shard) => shard.ref('');
    this.#listed = new ExpiryList(shards, clock, { operation: 'read bindings', listOf, prefixOf });
  }

  async bind(ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    const shard = this.#shards.of(ref);
    try {
      // Fast path: bindings never change. Not `attempt`, because a read does not prove that callbacks can be stored.
      const known = await this.#find(shard, ref);
      return known ?? (await this.#bind(shard, ref, key, untilMs));
    } catch (error) {
      throw this.#shards.unavailable('store callbacks', error);
    }
  }

  async find(ref: string): Promise<SubjectKey | null> {
    try {
      return await this.#find(this.#shards.of(ref), ref);
    } catch (error) {
      throw this.#shards.unavailable('store callbacks', error);
    }
  }

  async page(after: BindingCursor | null, limit: number): Promise<BindingPage> {
    const page = await this.#listed.page(after && { ...after, member: after.ref }, limit);
    const listed = page.map(({ member, untilMs, value }) => ({ ref: member, key: value as SubjectKey, untilMs }));
    const items = listed.filter(({ key }) => key !== '');
    return { items, next: listed.length < limit ? null : (listed.at(-1) ?? null) };
  }

  /** Does what `bind` does, but the binding expires at once, and is not listed. */
  async probe(shard: Shard): Promise<void> {
    const ref = newEpoch();
    await Promise.all([
      this.#shards.run(shard, (commands) => commands.zadd(shard.refs, 'XX', 0, ref)),
      this.#set(shard, ref, ref as SubjectKey, EXPIRED_MS),
    ]);
  }

  async #find(shard: Shard, ref: string): Promise<SubjectKey | null> {
    return (await this.#shards.run(shard, (commands) => commands.get(shard.ref(ref)))) as SubjectKey | null;
  }

  /** Listed first, so that after a crash in between nothing is bound that is not listed. */
  async #bind(shard: Shard, ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    await this.#list(shard, ref, untilMs);
    // null: `untilMs` is in the past.
    return (await this.#set(shard, ref, key, untilMs)) ?? key;
  }

  /** Not in one transaction with `#set`: while a slot of a cluster moves, none with several keys is possible. */
  async #list(shard: Shard, ref: string, untilMs: number): Promise<void> {
    const [, expired] = (await this.#shards.run(shard, (commands) =>
      runTransaction(
        commands
          .multi()
          // GT: an entry may be left of an earlier binding. If two are made at the same time, the later end is listed.
          .zadd(shard.refs, 'GT', untilMs, ref)
          .zrange(...this.#listed.expired(shard)),
      ),
    )) as [unknown, string[]];
    if (expired.length > 0) await this.#shards.run(shard, (commands) => commands.zrem(shard.refs, ...expired));
  }

  /** MULTI: reads the binding that exists, whoever created it. null: it has expired already. */
  async #set(shard: Shard, ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey | null> {
    const refKey = shard.ref(ref);
    const [, bound] = (await this.#shards.run(shard, (commands) =>
      runTransaction(commands.multi().set(refKey, key, 'PXAT', untilMs, 'NX').get(refKey)),
    )) as [unknown, SubjectKey | null];
    return bound;
  }
}
