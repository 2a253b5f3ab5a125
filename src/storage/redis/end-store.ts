// Ends without a participant in Redis: one expiring sorted set for each room or device, and one per shard of those that are pending;
// both are scored by the time of receipt.
import { type EndStore, MAX_ENDS_PER_TARGET, type PendingEnd, type StoredEnd } from '../ports.js';
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
      const { commands } = this.#shards.redis;
      const transaction = commands
        .multi()
        .zadd(key, 'NX', receivedAtMs, text)
        .pexpireat(key, untilMs)
        .zadd(shard.pendingEnds, 'NX', receivedAtMs, target + SEPARATOR + text)
        .zrange(key, 0, String(-MAX_ENDS_PER_TARGET - 1));
      const excess = (await runTransaction(transaction)).at(-1) as string[];
      if (excess.length > 0) await commands.zrem(key, ...excess);
    });
  }

  list(target: string): Promise<StoredEnd[]> {
    const key = this.#shards.of(target).ends(target);
    return this.#shards.attempt('store callbacks', async () =>
      toEnds((await this.#shards.redis.commands.zrange(key, 0, '-1', 'WITHSCORES')) as string[]),
    );
  }

  async pending(limit: number): Promise<PendingEnd[]> {
    const found = await this.#shards.fromEach('store callbacks', async (shard) =>
      toEnds(
        (await this.#shards.redis.commands.zrange(shard.pendingEnds, 0, String(limit - 1), 'WITHSCORES')) as string[],
      ),
    );
    const oldestFirst = found.flat().sort((a, b) => a.receivedAtMs - b.receivedAtMs);
    return oldestFirst.slice(0, limit).map(({ text: member, receivedAtMs }) => {
      const [target = '', text = ''] = member.split(SEPARATOR);
      return { target, text, receivedAtMs };
    });
  }

  async settle(target: string, text: string): Promise<void> {
    const { pendingEnds } = this.#shards.of(target);
    await this.#shards.attempt('store callbacks', () =>
      this.#shards.redis.commands.zrem(pendingEnds, target + SEPARATOR + text),
    );
  }
}

function toEnds(membersAndScores: readonly string[]): StoredEnd[] {
  const ends: StoredEnd[] = [];
  for (let n = 0; n < membersAndScores.length; n += 2) {
    ends.push({ text: membersAndScores[n] ?? '', receivedAtMs: Number(membersAndScores[n + 1]) });
  }
  return ends;
}
