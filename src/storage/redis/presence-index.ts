// The presence index in Redis: sorted sets, which commit.lua updates together with the records.
import type { SourceName } from '../../domain/subject.js';
import { newEpoch } from '../feed-position.js';
import { compareBytes, mergePages } from '../page-order.js';
import type {
  Occupancy,
  OccupancyFilter,
  PageCursor,
  PageFilter,
  PageItem,
  PresenceIndex,
  Snapshot,
  TagOccupancy,
} from '../ports.js';
import type { IndexRepair } from './index-repair.js';
import { sum, toOccupancy, toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** The sets whose sizes give the occupancy, in the order of tags.lua. */
const COUNTED_SETS = ['connected', 'reconnecting', 'more', 'none', 'available', 'busy'] as const;

export class RedisPresenceIndex implements PresenceIndex {
  readonly #shards: Shards;
  readonly #repair: IndexRepair;
  readonly #page: Script;
  readonly #tags: Script;

  constructor(shards: Shards, repair: IndexRepair) {
    this.#shards = shards;
    this.#repair = repair;
    this.#page = loadScript(shards.redis, 'feed', 'page');
    this.#tags = loadScript(shards.redis, 'feed', 'tags');
  }

  async page(
    { states, availability, ...filter }: PageFilter,
    after: PageCursor | null,
    limit: number,
  ): Promise<Snapshot<PageItem>> {
    const cursor = after ? [after.sinceMs, after.key] : ['', ''];
    const found = await this.#shards.fromEach('read participants', async (shard) => {
      const sources = await this.#sourcesIn(shard, filter.source);
      const sets = availability ? [availability] : states;
      const indexes = sources.flatMap((source) => sets.map((set) => shard.set(source, set, filter.group)));
      const keys = [shard.epoch, shard.changes, shard.recordPrefix, ...indexes];
      const reply = await this.#page({ keys, args: [newEpoch(), ...cursor, limit] });
      const [epoch, entry, ...listed] = reply as [string, string, ...string[][]];
      const pages = listed.map(toPageItems);
      const lost = pages.flat().filter(({ record }) => record === '');
      // For the next page: this one has the participants without their record.
      if (lost.length > 0)
        void this.#repair
          .remove(
            shard,
            lost.map(({ key }) => key),
            filter.group,
          )
          .catch(() => {});
      return { pages, position: { epoch, entry } };
    });
    const pages = found.flatMap((one) => one.pages);
    return { items: mergePages(pages, limit), position: found.map(({ position }) => position) };
  }

  async occupancy(filter: OccupancyFilter): Promise<Occupancy> {
    const counts = await this.#shards.fromEach('read occupancy', async (shard) => {
      const sources = await this.#sourcesIn(shard, filter.source);
      const sets = sources.flatMap((source) => COUNTED_SETS.map((name) => shard.set(source, name, filter.group)));
      // MULTI: all counts are from the same moment.
      const transaction = sets.reduce((multi, key) => multi.zcard(key), this.#shards.redis.commands.multi());
      const sizes = (await runTransaction(transaction)) as number[];
      return sources.map((_, n) => toOccupancy(sizes.slice(COUNTED_SETS.length * n, COUNTED_SETS.length * (n + 1))));
    });
    return sum(counts.flat());
  }

  async tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    const replies = await this.#shards.fromEach('read tags', async (shard) => {
      const sources = await this.#sourcesIn(shard, source);
      const keys = [shard.epoch, shard.changes];
      for (const one of sources) keys.push(shard.tags(one), shard.tagPrefix(one));
      const args = [newEpoch(), after ?? '', limit];
      return (await this.#tags({ keys, args })) as [string, string, ...string[][]];
    });
    const byTag = new Map<string, Occupancy[]>();
    for (const counts of replies.flatMap(([, , ...found]) => found)) {
      for (let i = 0; i < counts.length; i += COUNTED_SETS.length + 1) {
        const tag = String(counts[i]);
        const sizes = counts.slice(i + 1, i + COUNTED_SETS.length + 1).map(Number);
        byTag.set(tag, [...(byTag.get(tag) ?? []), toOccupancy(sizes)]);
      }
    }
    const items = [...byTag].map(([tag, parts]) => ({ tag, ...sum(parts) }));
    return {
      items: items.sort((a, b) => compareBytes(a.tag, b.tag)).slice(0, limit),
      position: replies.map(([epoch, entry]) => ({ epoch, entry })),
    };
  }

  async sources(): Promise<SourceName[]> {
    const found = await this.#shards.fromEach('read participants', (shard) => this.#sourcesIn(shard, undefined));
    return [...new Set(found.flat())].sort();
  }

  /** Each source has its own sets, so a query without a source reads those of all sources. */
  async #sourcesIn(shard: Shard, source: SourceName | undefined): Promise<SourceName[]> {
    if (source !== undefined) return [source];
    return (await this.#shards.redis.commands.smembers(shard.sources)) as SourceName[];
  }
}
