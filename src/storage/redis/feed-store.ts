// The feed in Redis: one stream per shard, to which commit.lua appends an entry for each commit that announces changes.
import { setTimeout as wait } from 'node:timers/promises';
import { compareEntries, type FeedPosition, isSameEpoch, newEpoch } from '../feed-position.js';
import { type FeedEntry, type FeedExtent, type FeedLimits, type FeedStore, MAX_PAGE_BYTES } from '../ports.js';
import { pairs } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';

/** Limits `waitForChange`, because a feed that starts over without entries wakes no one. */
const MAX_WAIT_MS = 1_000;
/** Entries dropped per call, which blocks Redis. */
const MAX_TRIMMED_ENTRIES = 1_000;

export class RedisFeedStore implements FeedStore {
  readonly #shards: Shards;
  readonly #position: Script;
  readonly #positionAt: Script;
  readonly #changes: Script;
  readonly #trim: Script;
  /** Blocking reads in progress, by shard; each resolves with whether there are new entries. Only with several servers. */
  readonly #waits = new Map<number, Promise<boolean>>();

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#position = loadScript(shards, 'feed', 'position');
    this.#positionAt = loadScript(shards, 'feed', 'position-at');
    this.#changes = loadScript(shards, 'changes');
    this.#trim = loadScript(shards, 'trim');
  }

  end(): Promise<FeedPosition> {
    return this.#positionFrom(this.#position, []);
  }

  at(timeMs: number): Promise<FeedPosition> {
    return this.#positionFrom(this.#positionAt, [Math.max(timeMs - 1, 0)]);
  }

  async read(after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    if (after.length !== this.#shards.all.length) return null;
    // Changes of a shard that cannot be reached come later: its part of the position stays.
    const parts = await this.#shards.fromReachable('read the change feed', (shard) =>
      this.#readShard(shard, after, limit),
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
    const more = await this.#shards.fromReachable('trim the change feed', (shard) =>
      this.#trim(shard, { keys: [shard.changes], args }),
    );
    return more.includes(1);
  }

  async extent(): Promise<FeedExtent> {
    const parts = await this.#shards.fromEach('read the change feed', async (shard) => {
      const ends = [
        this.#shards.run(shard, (commands) => commands.xrange(shard.changes, '-', '+', 'COUNT', 1)),
        this.#shards.run(shard, (commands) => commands.xrevrange(shard.changes, '+', '-', 'COUNT', 1)),
      ];
      return (await Promise.all(ends)).flat();
    });
    const ends = parts.map(([oldest, newest]) => ({ oldest: headOf(oldest), newest: headOf(newest) }));
    return {
      bytes: ends.reduce((sum, { oldest, newest }) => sum + newest.bytes - oldest.bytes, 0),
      announcedBytes: ends.reduce((sum, { newest }) => sum + newest.bytes, 0),
      oldestAtMs: Math.min(...ends.map(({ oldest }) => oldest.atMs)),
      newestAtMs: Math.max(...ends.map(({ newest }) => newest.atMs)),
    };
  }

  close(): void {
    this.#shards.client.stopBlocking();
  }

  async #entryAfter(after: FeedPosition): Promise<void> {
    const { all, client } = this.#shards;
    if (client.isOneServer) {
      await this.#block(all, after);
      return;
    }
    let isEnded = false;
    const whenChanged = all.map(async (shard) => {
      while (!isEnded && !(await this.#waitIn(shard, after)));
    });
    const fails = whenChanged.map((changed) => changed.catch(() => new Promise<never>(() => {})));
    const timeout = new AbortController();
    await Promise.race([wait(MAX_WAIT_MS, undefined, { signal: timeout.signal }), ...fails]);
    timeout.abort();
    isEnded = true;
  }

  /** A command for several slots must not block, so each shard has its own, which the next call uses if it has not ended. */
  #waitIn(shard: Shard, after: FeedPosition): Promise<boolean> {
    let waiting = this.#waits.get(shard.number);
    if (!waiting) {
      waiting = this.#block([shard], after).finally(() => this.#waits.delete(shard.number));
      this.#waits.set(shard.number, waiting);
    }
    return waiting;
  }

  /** Resolves with whether there is an entry, after about a second at the latest. */
  #block(shards: readonly Shard[], after: FeedPosition): Promise<boolean> {
    const streams = shards.map(({ changes }) => changes);
    const entries = shards.map(({ number }) => after[number]?.entry ?? '$');
    return this.#shards.client.runBlocking(shards[0]?.slot ?? 0, async (commands) => {
      const reply = await commands.xread('COUNT', 1, 'BLOCK', MAX_WAIT_MS, 'STREAMS', ...streams, ...entries);
      return reply !== null;
    });
  }

  #positionFrom(script: Script, args: readonly number[]): Promise<FeedPosition> {
    return this.#shards.fromEach('read the change feed', async (shard) => {
      const call = { keys: [shard.epoch, shard.changes], args: [newEpoch(), ...args] };
      const [epoch, entry] = (await script(shard, call)) as string[];
      return { epoch: String(epoch), entry: String(entry) };
    });
  }

  async #readShard(keys: Shard, after: FeedPosition, limit: number): Promise<FeedEntry[] | null> {
    const shard = keys.number;
    const start = after[shard];
    if (!start) return null;
    const call = { keys: [keys.epoch, keys.changes], args: [start.entry, limit, MAX_PAGE_BYTES] };
    const [epoch, ...found] = (await this.#changes(keys, call)) as (string | null)[];
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
