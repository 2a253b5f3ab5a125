// The feed in Redis: one stream per shard, to which commit.lua appends an entry for each commit that announces changes.

import { compareEntries, type FeedPosition, isSameEpoch, newEpoch } from '../feed-position.js';
import { type FeedEntry, type FeedExtent, type FeedLimits, type FeedStore, MAX_PAGE_BYTES } from '../ports.js';
import type { RedisConnection } from './redis-connection.js';
import { pairs } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shards } from './shards.js';

/** Limits `waitForChange`, because a feed that starts over without entries wakes no one. */
const MAX_WAIT_MS = 1_000;
/** Entries dropped per call, which blocks Redis. */
const MAX_TRIMMED_ENTRIES = 1_000;

export class RedisFeedStore implements FeedStore {
  readonly #shards: Shards;
  readonly #position: Script;
  readonly #changes: Script;
  readonly #trim: Script;
  /** A blocking command delays all others on its connection, so it has its own. */
  #blocking: RedisConnection | undefined;

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#position = loadScript(shards.redis, 'feed', 'position');
    this.#changes = loadScript(shards.redis, 'changes');
    this.#trim = loadScript(shards.redis, 'trim');
  }

  end(): Promise<FeedPosition> {
    return this.#shards.fromEach('read the change feed', async ({ epoch, changes }) => {
      const [name, entry] = (await this.#position({ keys: [epoch, changes], args: [newEpoch()] })) as string[];
      return { epoch: String(name), entry: String(entry) };
    });
  }

  async read(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    if (after.length !== this.#shards.all.length) return null;
    const parts = await this.#shards.attempt('read the change feed', () =>
      Promise.all(this.#shards.all.map((_, shard) => this.#readShard(shard, after, limit))),
    );
    if (!parts.every((part) => part !== null)) return null;
    return parts
      .flat()
      .sort((a, b) => (a.shard === b.shard ? 0 : compareEntries(a.id, b.id)))
      .slice(0, limit);
  }

  async waitForChange(after: FeedPosition, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let end = () => {};
    const aborted = new Promise<void>((resolve) => {
      end = resolve;
      signal.addEventListener('abort', end);
    });
    try {
      await Promise.race([this.#shards.attempt('read the change feed', () => this.#entryAfter(after)), aborted]);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  async trim({ retentionMs, maxBytes }: FeedLimits): Promise<boolean> {
    const args = [retentionMs, Math.ceil(maxBytes / this.#shards.all.length), MAX_TRIMMED_ENTRIES];
    const more = await this.#shards.fromEach('trim the change feed', ({ changes }) =>
      this.#trim({ keys: [changes], args }),
    );
    return more.includes(1);
  }

  async extent(): Promise<FeedExtent> {
    const parts = await this.#shards.fromEach('read the change feed', async ({ changes }) => {
      const { commands } = this.#shards.redis;
      const ends = [commands.xrange(changes, '-', '+', 'COUNT', 1), commands.xrevrange(changes, '+', '-', 'COUNT', 1)];
      return (await Promise.all(ends)).flat();
    });
    const ends = parts.map(([oldest, newest]) => ({ oldest: headOf(oldest), newest: headOf(newest) }));
    return {
      bytes: ends.reduce((sum, { oldest, newest }) => sum + newest.bytes - oldest.bytes, 0),
      oldestAtMs: Math.min(...ends.map(({ oldest }) => oldest.atMs)),
      newestAtMs: Math.max(...ends.map(({ newest }) => newest.atMs)),
    };
  }

  close(): void {
    this.#blocking?.disconnect();
  }

  async #entryAfter(after: FeedPosition): Promise<void> {
    this.#blocking ??= this.#shards.redis.duplicate(2 * MAX_WAIT_MS);
    const commands = await this.#blocking.commandsWithin(MAX_WAIT_MS);
    const streams = this.#shards.all.map(({ changes }) => changes);
    const entries = this.#shards.all.map((_, shard) => after[shard]?.entry ?? '$');
    await commands.xread('COUNT', 1, 'BLOCK', MAX_WAIT_MS, 'STREAMS', ...streams, ...entries);
  }

  async #readShard(shard: number, after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    const start = after[shard];
    const keys = this.#shards.all[shard];
    if (!start || !keys) return null;
    const args = [start.entry, limit, MAX_PAGE_BYTES];
    const [epoch, ...found] = (await this.#changes({ keys: [keys.epoch, keys.changes], args })) as (string | null)[];
    // If the position's own entry is gone, later ones may be gone, too.
    if (!isSameEpoch(epoch ?? '', start.epoch) || found[0] !== start.entry) return null;
    const entries = pairs(found as string[]).map(([id, changes]) => ({ shard, id, changes }));
    return start.changeOffset === undefined ? entries.slice(1) : entries;
  }
}

/** `entry`: undefined until the first change is committed. `bytes`: the total of all changes up to this entry. */
function headOf(entry: [id: string, fields: string[]] | undefined): { readonly atMs: number; readonly bytes: number } {
  return { atMs: Number.parseInt(entry?.[0] ?? '0', 10), bytes: Number(entry?.[1][1] ?? 0) };
}
