// A sorted set in each shard that lists what expires, scored by when it does. Redis removes expired keys by itself, but not the members
// of such a list.
import type { Clock } from '../../runtime/clock.js';
import { newEpoch } from '../feed-position.js';
import { mergePages } from '../page-order.js';
import type { PageItem, StoreOperation } from '../ports.js';
import { toPageItems } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';

/** Redis expires keys by its own clock, which may be behind. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000;
/** Expired members that each new one removes: more than it adds, so that the list does not grow for ever. */
const REMOVED_AT_ONCE = 16;

interface Listed {
  readonly member: string;
  readonly untilMs: number;
  /** Of the key with the member, if it is a string; '' if there is none. */
  readonly value: string;
}

interface ExpiryListParts {
  readonly operation: StoreOperation;
  readonly listOf: (shard: Shard) => string;
  /** Of the keys of what is listed. */
  readonly prefixOf: (shard: Shard) => string;
}

export class ExpiryList {
  readonly #page: Script;

  constructor(
    private readonly shards: Shards,
    private readonly clock: Clock,
    private readonly parts: ExpiryListParts,
  ) {
    // What is listed is participants there.
    this.#page = loadScript(shards, 'feed', 'page');
  }

  /** Those after the cursor that have not expired, sorted by `untilMs`, then by the bytes of the member; at most `limit`. */
  async page(after: Pick<Listed, 'member' | 'untilMs'> | null, limit: number): Promise<Listed[]> {
    const { untilMs, member } = after ?? { untilMs: this.clock.now(), member: '' };
    const { operation, listOf, prefixOf } = this.parts;
    const found = await this.shards.fromEach(operation, async (shard): Promise<PageItem[]> => {
      const keys = [shard.epoch, shard.changes, prefixOf(shard), shard.sources, listOf(shard)];
      const reply = (await this.#page(shard, { keys, args: [newEpoch(), untilMs, member, limit] })) as unknown[];
      return toPageItems(reply[3] as string[]);
    });
    return mergePages(found, limit).map((item) => ({ member: item.key, untilMs: item.sinceMs, value: item.record }));
  }

  /** The arguments of ZRANGE for members that can be removed. */
  expired(shard: Shard): [key: string, min: '-inf', max: string, 'BYSCORE', 'LIMIT', offset: 0, count: number] {
    const expiredMs = this.clock.now() - MAX_CLOCK_DIFFERENCE_MS;
    return [this.parts.listOf(shard), '-inf', String(expiredMs), 'BYSCORE', 'LIMIT', 0, REMOVED_AT_ONCE];
  }
}
