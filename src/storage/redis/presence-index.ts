// The presence index in Redis: sorted sets, which commit.lua updates together with the records.
import type { SourceName } from '../../domain/subject.js';
import { newEpoch } from '../feed-position.js';
import { isComplete, parseLabelIndex } from '../label-index.js';
import { compareBytes, comparePageItems, mergePages } from '../page-order.js';
import {
  type Group,
  LabelsNotIndexedError,
  type Occupancy,
  type OccupancyFilter,
  type PageCursor,
  type PageFilter,
  type PageItem,
  type PresenceIndex,
  type Snapshot,
  type TagOccupancy,
} from '../ports.js';
import type { IndexRepair } from './index-repair.js';
import type { RedisLabelIndex } from './label-index.js';
import { sum, toOccupancy, toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** The sets whose sizes give the occupancy, in the order of tags.lua. */
const COUNTED_SETS = ['connected', 'reconnecting', 'more', 'none', 'available', 'busy'] as const;

/** What the scripts return: the epoch, the newest entry, the number of sources, and an array for each index or source. */
type SnapshotReply = readonly [epoch: string, entry: string, sources: number, ...string[][]];

export class RedisPresenceIndex implements PresenceIndex {
  readonly #shards: Shards;
  readonly #labels: RedisLabelIndex;
  readonly #repair: IndexRepair;
  readonly #page: Script;
  readonly #tags: Script;

  constructor(shards: Shards, labels: RedisLabelIndex, repair: IndexRepair) {
    this.#labels = labels;
    this.#shards = shards;
    this.#repair = repair;
    this.#page = loadScript(shards, 'feed', 'page');
    this.#tags = loadScript(shards, 'feed', 'tags');
  }

  async page(filter: PageFilter, after: PageCursor | null, limit: number): Promise<Snapshot<PageItem>> {
    let read = await this.#read(filter, after, shareOf(limit, this.#shards.all.length));
    if (!read.isWhole && read.items.length < limit) read = await this.#read(filter, after, limit);
    return { items: read.items.slice(0, limit), position: read.position };
  }

  /**
   * The items after the cursor that are certain to be complete when `limit` items are read from each index of each shard: at least
   * `limit` of them, if there are that many. `isWhole`: there are no more.
   */
  async #read(
    { states, availability, ...filter }: PageFilter,
    after: PageCursor | null,
    limit: number,
  ): Promise<Snapshot<PageItem> & { readonly isWhole: boolean }> {
    const cursor = after ? [after.sinceMs, after.key] : ['', ''];
    const group = filter.group;
    const found = await this.#shards.fromEach('read participants', async (shard) => {
      const sets = availability ? [availability] : states;
      const [before, [epoch, entry, , ...listed]] = await Promise.all([
        // Sent first: see #wasComplete.
        isLabel(group) ? this.#labels.read(shard) : undefined,
        this.#ofSources(shard, filter.source, (sources) => {
          const indexes = sources.flatMap((source) => sets.map((set) => shard.set(source, set, group)));
          const keys = [shard.epoch, shard.changes, shard.recordPrefix, shard.sources, ...indexes];
          return this.#page(shard, { keys, args: [newEpoch(), ...cursor, limit] });
        }),
      ]);
      const pages = listed.map(toPageItems);
      const lost = pages.flat().filter(({ record }) => record === '');
      // Takes effect on the next read; this one still contains the participants whose records are lost.
      if (lost.length > 0)
        void this.#repair
          .remove(
            shard,
            lost.map(({ key }) => key),
            group,
          )
          .catch(() => {});
      const isKnown = !isLabel(group) || (await this.#wasComplete(shard, group, before));
      return { pages, position: { epoch, entry }, isKnown };
    });
    if (found.some(({ isKnown }) => !isKnown)) throw new LabelsNotIndexedError();
    const pages = found.flatMap((one) => one.pages);
    // Beyond the end of a full page, items may be missing from it, so later items of other pages are not certain.
    const ends = pages.flatMap((page) => (page.length === limit ? (page.at(-1) ?? []) : []));
    const [firstEnd] = ends.sort(comparePageItems);
    const items = mergePages(pages, Number.POSITIVE_INFINITY);
    const certain = firstEnd ? items.filter((item) => comparePageItems(item, firstEnd) <= 0) : items;
    return { items: certain, isWhole: firstEnd === undefined, position: found.map(({ position }) => position) };
  }

  async occupancy(filter: OccupancyFilter): Promise<Occupancy> {
    const counts = await this.#shards.fromEach('read occupancy', async (shard) => {
      const sources = await this.#sourcesIn(shard, filter.source);
      const sets = sources.flatMap((source) => COUNTED_SETS.map((name) => shard.set(source, name, filter.group)));
      // MULTI: all counts are from the same moment.
      const replies = (await this.#shards.run(shard, (commands) => {
        const transaction = sets.reduce((multi, key) => multi.zcard(key), commands.multi());
        return runTransaction(isLabel(filter.group) ? transaction.get(shard.labels) : transaction);
      })) as (number | string | null)[];
      if (isLabel(filter.group) && !isComplete(parseLabelIndex(String(replies.pop() ?? '')), filter.group))
        return undefined;
      const sizes = replies.map(Number);
      return sources.map((_, n) => toOccupancy(sizes.slice(COUNTED_SETS.length * n, COUNTED_SETS.length * (n + 1))));
    });
    const known = counts.filter((of) => of !== undefined);
    if (known.length < counts.length) throw new LabelsNotIndexedError();
    return sum(known.flat());
  }

  async tags(source: SourceName | undefined, after: string | null, limit: number): Promise<Snapshot<TagOccupancy>> {
    const replies = await this.#shards.fromEach('read tags', (shard) =>
      this.#ofSources(shard, source, (sources) => {
        const sets = sources.flatMap((one) => [shard.names(one, 'tag'), shard.kindPrefix(one, 'tag')]);
        const keys = [shard.epoch, shard.changes, shard.sources, ...sets];
        return this.#tags(shard, { keys, args: [newEpoch(), after ?? '', limit] });
      }),
    );
    const byTag = new Map<string, Occupancy[]>();
    for (const counts of replies.flatMap(([, , , ...found]) => found)) {
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

  /** Whether the index had all participants of the group from when `before` was read until now. */
  async #wasComplete(shard: Shard, group: Group<'label'>, before: string | undefined): Promise<boolean> {
    const now = await this.#labels.read(shard);
    return now === before && isComplete(parseLabelIndex(now), group);
  }

  /**
   * Reads the sets of a source, or of all. The first participant of a new source may be committed after the sources were read: the
   * reply would lack that participant although it reflects a later moment.
   */
  async #ofSources(
    shard: Shard,
    source: SourceName | undefined,
    read: (sources: readonly SourceName[]) => Promise<unknown>,
  ): Promise<SnapshotReply> {
    for (;;) {
      const sources = await this.#sourcesIn(shard, source);
      const reply = (await read(sources)) as SnapshotReply;
      if (source !== undefined || reply[2] === sources.length) return reply;
    }
  }

  /** Each source has its own sets, so a query without a source reads those of all sources. */
  async #sourcesIn(shard: Shard, source: SourceName | undefined): Promise<SourceName[]> {
    if (source !== undefined) return [source];
    return (await this.#shards.run(shard, (commands) => commands.smembers(shard.sources))) as SourceName[];
  }
}

/** How many items each shard is asked for first: participants are distributed evenly, so twice the average is nearly always enough. */
function shareOf(limit: number, shards: number): number {
  return Math.min(limit, 2 * Math.ceil(limit / shards) + 16);
}

function isLabel(group: Group | undefined): group is Group<'label'> {
  return group?.kind === 'label';
}
