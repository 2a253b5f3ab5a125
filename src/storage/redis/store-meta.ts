// The `meta` key says how the data was laid out when the store was created: in how many shards, in which format. A process with
// another number of shards would look for participants in the wrong place, and store them twice.
import type { RedisClient } from './client/redis-client.js';
import { Shard } from './shard.js';
import { runTransaction } from './transaction.js';

/** Of the keys of shard.ts. */
const FORMAT = 1;

/** The data cannot be used with this REDIS_SHARDS, or by this version. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
}

interface Meta {
  readonly format: number;
  readonly prefix: string;
  readonly shards: number;
}

export class StoreMeta {
  readonly #client: RedisClient;
  readonly #shards: readonly Shard[];
  readonly #prefix: string;

  constructor(client: RedisClient, shards: readonly Shard[], prefix: string) {
    this.#client = client;
    this.#shards = shards;
    this.#prefix = prefix;
  }

  /** Creates the key if the store is empty. Rejects with LayoutError. */
  async check(): Promise<void> {
    const first = this.#shards[0] as Shard;
    const found = await this.#client.run(first.slot, (commands) => commands.get(first.meta));
    const meta = JSON.parse(found ?? (await this.#create(first))) as Meta;
    if (meta.format > FORMAT) throw new LayoutError(`${this.#data} was written by a newer version of Rollcall`);
    if (meta.shards !== this.#shards.length) throw this.#mismatch(`in ${meta.shards} shards`, meta.shards);
  }

  /** Returns what is stored, which another process may have created at the same time. */
  async #create(first: Shard): Promise<string> {
    const count = this.#shards.length;
    const [hasData, isSharded] = [await this.#hasData(0), await this.#hasData(1)];
    // Without the key, but with data: it is in one shard, as before there was such a key, unless a second one has data, too.
    if (hasData && !isSharded && count > 1) throw this.#mismatch('in 1 shard', 1);
    if (isSharded && count === 1) throw this.#mismatch('in more than one shard');
    const text = JSON.stringify({ format: FORMAT, prefix: this.#prefix, shards: count } satisfies Meta);
    const [, stored] = await this.#client.run(first.slot, (commands) =>
      runTransaction(commands.multi().set(first.meta, text, 'NX').get(first.meta)),
    );
    return String(stored);
  }

  async #hasData(shard: number): Promise<boolean> {
    const { slot, epoch } = new Shard(this.#prefix, shard);
    return (await this.#client.run(slot, (commands) => commands.get(epoch))) !== null;
  }

  get #data(): string {
    return `the data of REDIS_PREFIX ${this.#prefix} in Redis`;
  }

  #mismatch(where: string, shards?: number): LayoutError {
    const hint = shards === undefined ? 'correct REDIS_SHARDS' : `set REDIS_SHARDS=${shards}`;
    return new LayoutError(
      `REDIS_SHARDS is ${this.#shards.length}, but ${this.#data} is ${where}: ${hint}, or move the data as docs/redis.md says`,
    );
  }
}
