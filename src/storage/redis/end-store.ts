// Ends without a participant in Redis: one expiring sorted set for each room or device, and two per shard, of all ends and of those
// that are pending. The set of all is scored by the expiry, the others by the time of receipt.
import type { Clock } from '../../runtime/clock.js';
import { newEpoch } from '../feed-position.js';
import { mergePages } from '../page-order.js';
import {
  type EndPage,
  type EndStore,
  type KeptEnd,
  MAX_ENDS_PER_TARGET,
  type PageItem,
  type PendingEnd,
  type StoredEnd,
} from '../ports.js';
import { toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** Between the target and the text of an end; neither contains it. */
const SEPARATOR = '\u001e';
/** Redis expires ends by its own clock, which may be behind. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000;
/** Expired ends that each new one removes from the list: more than it adds, so that the list does not grow for ever. */
const REMOVED_AT_ONCE = 16;

export class RedisEndStore implements EndStore {
  readonly #shards: Shards;
  readonly #clock: Clock;
  readonly #page: Script;

  constructor(shards: Shards, clock: Clock) {
    this.#shards = shards;
    this.#clock = clock;
    // What is listed is participants there, and ends here.
    this.#page = loadScript(shards, 'feed', 'page');
  }

  async add(target: string, { text, receivedAtMs }: StoredEnd, untilMs: number): Promise<void> {
    const shard = this.#shards.of(target);
    const key = shard.ends(target);
    const member = target + SEPARATOR + text;
    const expiredMs = this.#clock.now() - MAX_CLOCK_DIFFERENCE_MS;
    await this.#shards.attempt('store callbacks', async () => {
      const replies = await this.#shards.run(shard, (commands) =>
        runTransaction(
          commands
            .multi()
            .zadd(key, 'NX', receivedAtMs, text)
            .pexpireat(key, untilMs)
            .zadd(shard.pendingEnds, 'NX', receivedAtMs, member)
            .zadd(shard.keptEnds, 'GT', untilMs, member)
            .zrange(shard.keptEnds, '-inf', String(expiredMs), 'BYSCORE', 'LIMIT', 0, REMOVED_AT_ONCE)
            .zrange(key, 0, String(-MAX_ENDS_PER_TARGET - 1)),
        ),
      );
      const [expired, excess] = replies.slice(-2) as [string[], string[]];
      const unlisted = [...expired, ...excess.map((other) => target + SEPARATOR + other)];
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

  async page(after: KeptEnd | null, limit: number): Promise<EndPage> {
    const { untilMs, target, text } = after ?? { untilMs: this.#clock.now(), target: '', text: '' };
    const found = await this.#shards.fromEach('read ends', async (shard): Promise<PageItem[]> => {
      const keys = [shard.epoch, shard.changes, shard.ends(''), shard.sources, shard.keptEnds];
      const args = [newEpoch(), untilMs, target + SEPARATOR + text, limit];
      const reply = (await this.#page(shard, { keys, args })) as unknown[];
      return toPageItems(reply[3] as string[]);
    });
    const listed = mergePages(found, limit);
    const ends = listed.map(({ key, sinceMs }) => ({ ...toEnd(key), untilMs: sinceMs }));
    const received = await Promise.all(ends.map((end) => this.#receivedAtMs(end)));
    const items = ends.flatMap((end, n): KeptEnd[] => {
      const receivedAtMs = received[n] ?? null;
      return receivedAtMs === null ? [] : [{ ...end, receivedAtMs }];
    });
    const last = ends.at(-1);
    return { items, next: listed.length < limit || !last ? null : { ...last, receivedAtMs: 0 } };
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
      this.#shards.run(shard, (commands) => commands.zrem(shard.pendingEnds, target + SEPARATOR + text)),
    );
  }

  /** `last`: the rank of the last one; -1 for all. */
  async #range(shard: Shard, key: string, last: number): Promise<StoredEnd[]> {
    return toEnds(await this.#shards.run(shard, (commands) => commands.zrange(key, 0, String(last), 'WITHSCORES')));
  }
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
