// Bindings in Redis: one expiring key each.
import type { SubjectKey } from '../encoding/subject-key.js';
import { newEpoch } from '../feed-position.js';
import type { BindingStore } from '../ports.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** A time in the past. */
const EXPIRED_MS = 1;

export class RedisBindingStore implements BindingStore {
  readonly #shards: Shards;

  constructor(shards: Shards) {
    this.#shards = shards;
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

  /** Does what `bind` does, but the binding expires at once. */
  async probe(shard: Shard): Promise<void> {
    const ref = newEpoch();
    await this.#bind(shard, ref, ref as SubjectKey, EXPIRED_MS);
  }

  async #find(shard: Shard, ref: string): Promise<SubjectKey | null> {
    return (await this.#shards.run(shard, (commands) => commands.get(shard.ref(ref)))) as SubjectKey | null;
  }

  async #bind(shard: Shard, ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    const refKey = shard.ref(ref);
    // MULTI: reads the binding that exists, whoever created it.
    const [, bound] = (await this.#shards.run(shard, (commands) =>
      runTransaction(commands.multi().set(refKey, key, 'PXAT', untilMs, 'NX').get(refKey)),
    )) as [unknown, SubjectKey | null];
    // null: `untilMs` is in the past.
    return bound ?? key;
  }
}
