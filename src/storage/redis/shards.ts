// Shared by the Redis ports: the connection, the keys of each shard and error reporting. All keys of a participant are in one
// shard, and one script commits to one shard, so a commit is atomic per participant. A read takes one round trip per shard.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import { type StoreOperation, StoreUnavailableError } from '../ports.js';
import { RefusalLog } from '../refusal-log.js';
import type { RedisConnection } from './redis-connection.js';
import { refusalOf } from './refusal.js';
import { Shard, shardNumber } from './shard.js';

export interface ShardOptions {
  /** The prefix of all keys. */
  readonly prefix: string;
  /** The number of shards. Must never change for the same data. */
  readonly shards: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Shards {
  readonly redis: RedisConnection;
  readonly all: readonly Shard[];
  readonly #refusals: RefusalLog;

  constructor(redis: RedisConnection, { prefix, shards, clock, log }: ShardOptions) {
    this.redis = redis;
    this.all = Array.from({ length: shards }, (_, number) => new Shard(prefix, number));
    this.#refusals = new RefusalLog(log, 'Redis', clock);
  }

  /** The shard that holds what exists once. */
  get first(): Shard {
    return this.all[0] as Shard;
  }

  /** The shard of a subject or a reference. */
  of(id: string): Shard {
    return this.all[shardNumber(id, this.all.length)] as Shard;
  }

  /** Calls every shard. Rejects with StoreUnavailableError if one fails. */
  fromEach<R>(operation: StoreOperation, call: (shard: Shard) => Promise<R>): Promise<R[]> {
    return this.attempt(operation, () => Promise.all(this.all.map(call)));
  }

  /** Calls each shard with its items. Returns the results, or the error of the shard, in the order of the items. */
  async forItems<T, R>(
    items: readonly T[],
    keyOf: (item: T) => string,
    call: (shard: Shard, own: T[]) => Promise<R[]>,
  ): Promise<(R | StoreUnavailableError)[]> {
    const [only] = this.all;
    if (only && this.all.length === 1) {
      if (items.length === 0) return [];
      return call(only, [...items]).catch((error) => this.#failures(items, error));
    }
    const results = Array.from<R | StoreUnavailableError>({ length: items.length });
    await Promise.all(
      this.all.map(async (shard, number) => {
        const indexes = [...items.keys()].filter(
          (index) => shardNumber(keyOf(items[index] as T), this.all.length) === number,
        );
        if (indexes.length === 0) return;
        const own = indexes.map((index) => items[index] as T);
        const ownResults = await call(shard, own).catch((error) => this.#failures(own, error));
        indexes.forEach((index, n) => {
          results[index] = ownResults[n] as R | StoreUnavailableError;
        });
      }),
    );
    return results;
  }

  async attempt<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.accepted(operation);
      return result;
    } catch (error) {
      throw this.unavailable(operation, error);
    }
  }

  accepted(operation: StoreOperation): void {
    this.#refusals.accepted(operation);
  }

  /** Wraps an error of Redis or of its connection, and logs it if it is a refusal. */
  unavailable(operation: StoreOperation, cause: unknown, count = 1): StoreUnavailableError {
    const refusal = refusalOf(cause);
    if (refusal) this.#refusals.refused(operation, refusal, count);
    const reason = refusal?.reason ?? (cause instanceof Error ? cause.message : String(cause));
    return new StoreUnavailableError(reason, { cause });
  }

  #failures(items: readonly unknown[], error: unknown): StoreUnavailableError[] {
    const failure = this.unavailable('store callbacks', error, items.length);
    return items.map(() => failure);
  }
}
