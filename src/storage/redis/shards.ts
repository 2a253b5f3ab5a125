// What the ports on Redis share: the connection, the keys of each shard, and how failures are told. All keys of a participant
// are in one shard, and one script commits to one shard, so what belongs together is stored together. A read is one round trip
// a shard.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import { type StoreOperation, StoreUnavailableError } from '../ports.js';
import { RefusalLog } from '../refusal-log.js';
import type { RedisConnection } from './redis-connection.js';
import { refusalOf } from './refusal.js';
import { Shard, shardNumber } from './shard.js';

export interface ShardOptions {
  /** What every key begins with. */
  readonly prefix: string;
  /** How many shards; never to be changed for the same data. */
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

  /** That of a subject, or of a reference. */
  of(id: string): Shard {
    return this.all[shardNumber(id, this.all.length)] as Shard;
  }

  /** One call for each shard. Rejects with StoreUnavailableError when one fails. */
  fromEach<R>(operation: StoreOperation, call: (shard: Shard) => Promise<R>): Promise<R[]> {
    return this.attempt(operation, () => Promise.all(this.all.map(call)));
  }

  /** One call for the items of each shard; the answers, or the shard's failure, in the order of the items. */
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
        const places = [...items.keys()].filter(
          (place) => shardNumber(keyOf(items[place] as T), this.all.length) === number,
        );
        if (places.length === 0) return;
        const own = places.map((place) => items[place] as T);
        const answers = await call(shard, own).catch((error) => this.#failures(own, error));
        places.forEach((place, n) => {
          results[place] = answers[n] as R | StoreUnavailableError;
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

  /** The error to give for one of Redis or of its connection. Logs a refusal. */
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
