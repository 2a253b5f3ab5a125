// Shared by the Redis ports: the client, the keys of each shard and error reporting. All keys of a participant are in one
// shard, and one script commits to one shard, so a commit is atomic per participant. A read takes one round trip per shard.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import { type StoreOperation, StoreUnavailableError } from '../ports.js';
import { RefusalLog } from '../refusal-log.js';
import type { RedisClient, SendCommands } from './client/redis-client.js';
import { refusalOf } from './refusal.js';
import { Shard, shardNumber } from './shard.js';
import { LayoutError, StoreMeta } from './store-meta.js';

export interface ShardOptions {
  /** The prefix of all keys. */
  readonly prefix: string;
  /** The number of shards; see store-meta.ts. */
  readonly shards: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Shards {
  readonly client: RedisClient;
  readonly all: readonly Shard[];
  readonly #refusals: RefusalLog;
  readonly #log: Logger;
  readonly #meta: StoreMeta;
  /** Whether the data is laid out as this process assumes. Until that is known, no other command is sent. */
  #isOpen = false;
  #opening: Promise<void> | undefined;
  #layoutFault: string | undefined;

  constructor(client: RedisClient, { prefix, shards, clock, log }: ShardOptions) {
    this.client = client;
    this.all = Array.from({ length: shards }, (_, number) => new Shard(prefix, number));
    this.#refusals = new RefusalLog(log, 'Redis', clock);
    this.#log = log;
    this.#meta = new StoreMeta(client, this.all, prefix);
  }

  /** The shard that holds what exists once. */
  get first(): Shard {
    return this.all[0] as Shard;
  }

  /** The shard of a subject or a reference. */
  of(id: string): Shard {
    return this.all[shardNumber(id, this.all.length)] as Shard;
  }

  /** `send`: commands for the keys of this shard; see `SendCommands`. */
  run<T>({ slot }: Shard, send: SendCommands<T>): Promise<T> {
    return this.#isOpen ? this.client.run(slot, send) : this.open().then(() => this.client.run(slot, send));
  }

  /** Checks the layout of the data. Rejects with LayoutError, or if it cannot be read. */
  open(): Promise<void> {
    this.#opening ??= this.#checkLayout().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Calls every shard. Rejects with StoreUnavailableError if one fails. */
  fromEach<R>(operation: StoreOperation, call: (shard: Shard) => Promise<R>): Promise<R[]> {
    return this.attempt(operation, () => Promise.all(this.all.map(call)));
  }

  /** Like `fromEach`, but leaves out shards that fail while others do not, so that work for those goes on. */
  async fromReachable<R>(operation: StoreOperation, call: (shard: Shard) => Promise<R>): Promise<R[]> {
    const results = await Promise.allSettled(this.all.map(async (shard) => call(shard)));
    const reached = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
    const [failure] = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => this.unavailable(operation, reason));
    // Not accepted as long as one shard fails: its refusals go on.
    if (!failure) this.accepted(operation);
    else if (reached.length === 0) throw failure;
    return reached;
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
    const indexesOf = Array.from(this.all, (): number[] => []);
    for (const [index, item] of items.entries()) indexesOf[shardNumber(keyOf(item), this.all.length)]?.push(index);
    await Promise.all(
      this.all.map(async (shard, number) => {
        const indexes = indexesOf[number] ?? [];
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

  async #checkLayout(): Promise<void> {
    try {
      await this.#meta.check();
      this.#isOpen = true;
      this.#layoutFault = undefined;
    } catch (error) {
      if (error instanceof LayoutError) {
        this.#isOpen = false;
        if (this.#layoutFault !== error.message) this.#log.error(error.message);
        this.#layoutFault = error.message;
      }
      throw error;
    }
  }

  #failures(items: readonly unknown[], error: unknown): StoreUnavailableError[] {
    const failure = this.unavailable('store callbacks', error, items.length);
    return items.map(() => failure);
  }
}
