// The feed on Redis: in each shard a stream, into which commit.lua appends an entry for each commit that announces.

import { compareEntries, type FeedPosition, newEpoch } from '../feed-position.js';
import { type FeedEntry, type FeedLimits, MAX_PAGE_BYTES } from '../ports.js';
import type { RedisConnection } from './redis-connection.js';
import { pairs } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';

/** How long `changed` waits: a feed that is begun anew, with nothing in it, wakes nobody. */
const LONGEST_WAIT_MS = 1_000;
/** How many entries one call drops: nothing else is done by Redis meanwhile. */
const TRIM_SIZE = 1_000;

export class RedisFeed {
  readonly #redis: RedisConnection;
  readonly #shards: readonly Shard[];
  readonly #position: Script;
  readonly #changes: Script;
  readonly #trim: Script;
  /** A command that waits keeps all others of its connection waiting: it has one of its own. */
  #blocking: RedisConnection | undefined;

  constructor(redis: RedisConnection, shards: readonly Shard[]) {
    this.#redis = redis;
    this.#shards = shards;
    this.#position = loadScript(redis, 'feed', 'position');
    this.#changes = loadScript(redis, 'changes');
    this.#trim = loadScript(redis, 'trim');
  }

  async position(): Promise<FeedPosition> {
    return Promise.all(
      this.#shards.map(async ({ epoch, changes }) => {
        const [name, entry] = (await this.#position({ keys: [epoch, changes], args: [newEpoch()] })) as string[];
        return { epoch: String(name), entry: String(entry) };
      }),
    );
  }

  async changes(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    if (after.length !== this.#shards.length) return null;
    const parts = await Promise.all(this.#shards.map((_, shard) => this.#changesOf(shard, after, limit)));
    if (!parts.every((part) => part !== null)) return null;
    return parts
      .flat()
      .sort((a, b) => (a.shard === b.shard ? 0 : compareEntries(a.id, b.id)))
      .slice(0, limit);
  }

  async changed(after: FeedPosition, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let end = () => {};
    const aborted = new Promise<void>((resolve) => {
      end = resolve;
      signal.addEventListener('abort', end);
    });
    try {
      await Promise.race([this.#entryAfter(after), aborted]);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  async #entryAfter(after: FeedPosition): Promise<void> {
    this.#blocking ??= this.#redis.another(2 * LONGEST_WAIT_MS);
    const commands = await this.#blocking.commandsWithin(LONGEST_WAIT_MS);
    const streams = this.#shards.map(({ changes }) => changes);
    const entries = this.#shards.map((_, shard) => after[shard]?.entry ?? '$');
    await commands.xread('COUNT', 1, 'BLOCK', LONGEST_WAIT_MS, 'STREAMS', ...streams, ...entries);
  }

  async trim({ retentionMs, maxBytes }: FeedLimits): Promise<boolean> {
    const args = [retentionMs, Math.ceil(maxBytes / this.#shards.length), TRIM_SIZE];
    const more = await Promise.all(this.#shards.map(({ changes }) => this.#trim({ keys: [changes], args })));
    return more.includes(1);
  }

  close(): void {
    this.#blocking?.disconnect();
  }

  async #changesOf(shard: number, after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    const place = after[shard];
    const keys = this.#shards[shard];
    if (!place || !keys) return null;
    const args = [place.entry, limit, MAX_PAGE_BYTES];
    const [epoch, ...found] = (await this.#changes({ keys: [keys.epoch, keys.changes], args })) as (string | null)[];
    // The place's own entry comes first, and shows that none is missing.
    if (epoch !== place.epoch || found[0] !== place.entry) return null;
    const entries = pairs(found as string[]).map(([id, changes]) => ({ shard, id, changes }));
    return place.taken === undefined ? entries.slice(1) : entries;
  }
}
