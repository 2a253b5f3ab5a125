// Ends without a participant in Redis: one expiring sorted set for each room or device, and two per shard, of all ends and of those
// that are pending. The set of all is scored by the expiry, the others by the time of receipt.
import type { Clock } from '../../runtime/clock.js';
import {
  type EndCursor,
  type EndPage,
  type EndStore,
  type KeptEnd,
  MAX_ENDS_PER_TARGET,
  type PendingEnd,
  type StoredEnd,
} from '../ports.js';
import { ExpiryList } from './expiry-list.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** Between the target and the text of an end; neither contains it. */
const SEPARATOR = '\u001e';

export class RedisEndStore implements EndStore {
  readonly #shards: Shards;
  readonly #listed: ExpiryList;

  constructor(shards: Shards, clock: Clock) {
    this.#shards = shards;
    const listOf = (shard: Shard) => shard.keptEnds;
    const prefixOf = (shard: Shard) => shard.ends('');
    this.#listed = new ExpiryList(shards, clock, { operation: 'read ends', listOf, prefixOf });
  }

  async add(target: string, { text, receivedAtMs }: StoredEnd, untilMs: number): Promise<void> {
    const shard = this.#shards.of(target);
    const key = shard.ends(target);
    const member = memberOf({ target, text });
    await this.#shards.attempt('store callbacks', async () => {
      const replies = await this.#shards.run(shard, (commands) =>
        runTransaction(
          commands
            .multi()
            .zadd(key, 'NX', receivedAtMs, text)
            .pexpireat(key, untilMs)
            .zadd(shard.pendingEnds, 'NX', receivedAtMs, member)
            .zadd(shard.keptEnds, 'GT', untilMs, member)
            .zrange(...this.#listed.expired(shard))
            .zrange(key, 0, String(-MAX_ENDS_PER_TARGET - 1)),
        ),
      );
      const [expired, excess] = replies.slice(-2) as [string[], string[]];
      const unlisted = [...expired, ...excess.map((other) => memberOf({ target, text: other }))];
      if (excess.length > 0) await this.#shards.run(shard, (commands) => commands.zrem(key, ...excess));
      if (unlisted.length > 0) await this.#shards.run(shard, (commands) => commands.zrem(shard.keptEnds, ...unlisted));
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
      return { ...toEnd(member), receivedAtMs };
    });
  }

  async page(after: EndCursor | null, limit: number): Promise<EndPage> {
    const listed = await this.#listed.page(after && { ...after, member: memberOf(after) }, limit);
    const ends = listed.map(({ member, untilMs }) => ({ ...toEnd(member), untilMs }));
    const received = await Promise.all(ends.map((end) => this.#receivedAtMs(end)));
    const items = ends.flatMap((end, n): KeptEnd[] => {
      const receivedAtMs = received[n] ?? null;
      return receivedAtMs === null ? [] : [{ ...end, receivedAtMs }];
    });
    return { items, next: ends.length < limit ? null : (ends.at(-1) ?? null) };
  }

  /** null: it is not kept any more. */
  async #receivedAtMs({ target, text }: Pick<KeptEnd, 'target' | 'text'>): Promise<number | null> {
    const shard = this.#shards.of(target);
    const [score = null] = await this.#shards.attempt('read ends', () =>
      this.#shards.run(shard, (commands) => commands.zmscore(shard.ends(target), text)),
    );
    return score === null ? null : Number(score);
  }

  async settle(target: string, text: string): Promise<void> {
    const shard = this.#shards.of(target);
    await this.#shards.attempt('store callbacks', async () =>
      this.#shards.run(shard, (commands) => commands.zrem(shard.pendingEnds, memberOf({ target, text }))),
    );
  }

  /** `last`: the rank of the last one; -1 for all. */
  async #range(shard: Shard, key: string, last: number): Promise<StoredEnd[]> {
    return toEnds(await this.#shards.run(shard, (commands) => commands.zrange(key, 0, String(last), 'WITHSCORES')));
  }
}

function memberOf({ target, text }: Pick<KeptEnd, 'target' | 'text'>): string {
  return target + SEPARATOR + text;
}

function toEnd(member: string): Pick<KeptEnd, 'target' | 'text'> {
  const [target = '', text = ''] = member.split(SEPARATOR);
  return { target, text };
}

function toEnds(membersAndScores: readonly string[]): StoredEnd[] {
  const ends: StoredEnd[] = [];
  for (let n = 0; n < membersAndScores.length; n += 2) {
    ends.push({ text: membersAndScores[n] ?? '', receivedAtMs: Number(membersAndScores[n + 1]) });
  }
  return ends;
}
