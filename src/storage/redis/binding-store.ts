// Bindings on Redis: one key each, which expires.
import type { SubjectKey } from '../encoding/subject-key.js';
import { newEpoch } from '../feed-position.js';
import type { BindingStore } from '../ports.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** A time that has passed already. */
const EXPIRED_MS = 1;

export class RedisBindingStore implements BindingStore {
  readonly #shards: Shards;

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  async bind(ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    const shard = this.#shards.of(ref);
    try {
      // Nearly always: a binding never changes. It does not show that callbacks can be stored.
      const known = (await this.#shards.redis.commands.get(shard.ref(ref))) as SubjectKey | null;
      return known ?? (await this.#bind(shard, ref, key, untilMs));
    } catch (error) {
      throw this.#shards.unavailable('store callbacks', error);
    }
  }

  /** Does what `bind` does; what is written is gone again. */
  async probe(shard: Shard): Promise<void> {
    const ref = newEpoch();
    await this.#bind(shard, ref, ref as SubjectKey, EXPIRED_MS);
  }

  async #bind(shard: Shard, ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    const refKey = shard.ref(ref);
    // MULTI: what is there, whoever was first.
    const transaction = this.#shards.redis.commands.multi().set(refKey, key, 'PXAT', untilMs, 'NX').get(refKey);
    const [, bound] = (await runTransaction(transaction)) as [unknown, SubjectKey | null];
    // null: that time has passed already.
    return bound ?? key;
  }
}
