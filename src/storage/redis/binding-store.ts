// Bindings in Redis: one expiring key each, and one sorted set per shard that lists them by when they end.
import type { Clock } from '../../runtime/clock.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import { newEpoch } from '../feed-position.js';
import { mergePages } from '../page-order.js';
import type { BindingCursor, BindingPage, BindingStore } from '../ports.js';
import { toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** A time in the past. */
const EXPIRED_MS = 1;
/** Redis expires bindings by its own clock, which may be behind. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000;
/** Expired bindings that each new one removes from the list: more than it adds, so that the list does not grow for ever. */
const REMOVED_AT_ONCE = 16;

export class RedisBindingStore implements BindingStore {
  readonly #shards: Shards;
  readonly #clock: Clock;
  readonly #page: Script;

  constructor(shards: Shards, clock: Clock) {
    this.#shards = shards;
    this.#clock = clock;
    // What is listed is participants there, and bindings here.
    this.#page = loadScript(shards, 'feed', 'page');
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
    const { untilMs, ref } = after ?? { untilMs: this.#clock.now(), ref: '' };
    const found = await this.#shards.fromEach('read bindings', async (shard) => {
      const keys = [shard.epoch, shard.changes, shard.ref(''), shard.sources, shard.refs];
      const reply = (await this.#page(shard, { keys, args: [newEpoch(), untilMs, ref, limit] })) as unknown[];
      return toPageItems(reply[3] as string[]);
    });
    const listed = mergePages(found, limit).map((item) => ({
      ref: item.key as string,
      key: item.record as SubjectKey,
      untilMs: item.sinceMs,
    }));
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
    const expiredMs = this.#clock.now() - MAX_CLOCK_DIFFERENCE_MS;
    const [, expired] = (await this.#shards.run(shard, (commands) =>
      runTransaction(
        commands
          .multi()
          // GT: an entry may be left of an earlier binding. If two are made at the same time, the later end is listed.
          .zadd(shard.refs, 'GT', untilMs, ref)
          .zrange(shard.refs, '-inf', String(expiredMs), 'BYSCORE', 'LIMIT', 0, REMOVED_AT_ONCE),
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
