// Counts of the store, as the tracker needs them.
import type { Occupancy, PresenceIndex } from '../../storage/ports.js';
import type { RuleSettings } from './rule.js';

const PAGE_SIZE = 1_000;
/** Counts that are read at the same time. */
const CONCURRENCY = 32;

export class OccupancyCounts {
  constructor(private readonly index: PresenceIndex) {}

  /** Which of them nobody has who is present. */
  async emptyOf(tags: readonly string[]): Promise<string[]> {
    const empty: string[] = [];
    for (let start = 0; start < tags.length; start += CONCURRENCY) {
      const chunk = tags.slice(start, start + CONCURRENCY);
      const counts = await Promise.all(chunk.map((tag) => this.#of(tag)));
      empty.push(...chunk.filter((_, n) => !isOccupied(counts[n])));
    }
    return empty;
  }

  /** Tags that somebody has who is present. */
  async occupiedTags(): Promise<Set<string>> {
    const tags = new Set<string>();
    for await (const { tag } of this.#tagsAfter(null)) tags.add(tag);
    return tags;
  }

  async valueOf({ tag, tagPrefix, metric }: RuleSettings): Promise<number> {
    if (tagPrefix === undefined) return (await this.#of(tag ?? ''))[metric];
    let value = (await this.#of(tagPrefix))[metric];
    // In the order of bytes, those with the prefix follow the prefix itself.
    for await (const found of this.#tagsAfter(tagPrefix)) {
      if (!found.tag.startsWith(tagPrefix)) break;
      value += found[metric];
    }
    return value;
  }

  #of(name: string): Promise<Occupancy> {
    return this.index.occupancy({ group: { kind: 'tag', name } });
  }

  async *#tagsAfter(start: string | null) {
    for (let after = start; ; ) {
      const { items } = await this.index.tags(undefined, after, PAGE_SIZE);
      yield* items;
      const last = items.at(-1);
      if (!last || items.length < PAGE_SIZE) return;
      after = last.tag;
    }
  }
}

function isOccupied(count: Occupancy | undefined): boolean {
  return count !== undefined && count.connected + count.reconnecting > 0;
}
