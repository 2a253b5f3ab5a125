// Ends without a participant in Redis: one expiring sorted set for each room or device, and one per shard of those that are pending;
// both are scored by the time of receipt.
import { type EndStore, MAX_ENDS_PER_TARGET, type PendingEnd, type StoredEnd } from '../ports.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** Between the target and the text of a pending end; neither contains it. */
const SEPARATOR = '\u001e';

export class RedisEndStore implements EndStore {
  readonly #shards: Shards;

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  async add(target: string, { text, receivedAtMs }: StoredEnd, untilMs: number): Promise<void> {
    const shard = this.#shards.of(target);
    const key = shard.ends(target);
    await this.#shards.attempt('store callbacks', async () => {
      const replies = await this.#shards.run(shard, (commands) =>
        runTransaction(
          commands
            .multi()
            .zadd(key, 'NX', receivedAtMs, text)
            .pexpireat(key, untilMs)
            .zadd(shard.pendingEnds, 'NX', receivedAtMs, target + SEPARATOR + text)
            .zrange(key, 0, String(-MAX_ENDS_PER_TARGET - 1)),
        ),
      );
      const excess = replies.at(-1) as string[];
      if (excess.length > 0) await this.#shards.run(shard, (commands) => commands.zrem(key, ...excess));
    });
  }

  list(target: string): Promise<StoredEnd[]> {
    const shard = this.#shards.of(target);
    return this.#shards.attempt('store callbacks', () => this.#range(shard, shard.ends(target), -1));
  }

  async pending(limit: number): Promise<PendingEnd[]> {
    const found = await this.#shards.fromReachable('store callbacks', (shard) =>
      this.#range(shard, shard.pendingEnds, limit - 1),
    );
    const oldestFirst = found.flat().sort((a, b) => a.receivedAtMs - b.receivedAtMs);
    return oldestFirst.slice(0, limit).map(({ text: member, receivedAtMs }) => {
      const [target = '', text = ''] = member.split(SEPARATOR);
      return { target, text, receivedAtMs };
    });
  }

  async settle(target: string, text: string): Promise<void> {
    const shard = this.#shards.of(target);
    await this.#shards.attempt('store callbacks', async () =>
      this.#shards.run(shard, (commands) => commands.zrem(shard.pendingEnds, target + SEPARATOR + text)),
    );
  }

  /** `last`: the rank of the last one; -1 for all. */
  async #range(shard: Shard, key: string, last: number): Promise<StoredEnd[]> {
    return toEnds(await this.#shards.run(shard, (commands) => commands.zrange(key, 0, String(last), 'WITHSCORES')));
  }
}

function toEnds(membersAndScores: readonly string[]): StoredEnd[] {
  const ends: StoredEnd[] = [];
  for (let n = 0; n < membersAndScores.length; n += 2) {
    ends.push({ text: membersAndScores[n] ?? '', receivedAtMs: Number(membersAndScores[n + 1]) });
  }
  return ends;
}
