// The events that were derived from the feed, in Redis: a sorted set by number, beside one of the tags and the state of the
// tracker. All are in one shard, with the lease that protects them.
import type { OccupancyEvent, OccupancyEventLimits, OccupancyEventStore, OccupancyUpdate } from '../webhook-ports.js';
import { pairs } from './replies.js';
import { loadScript, type Script } from './script.js';
import type { Shards } from './shards.js';

/** Tags read by one command. */
const CHUNK_SIZE = 1_000;

export class RedisOccupancyEventStore implements OccupancyEventStore {
  readonly #shards: Shards;
  readonly #save: Script;

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#save = loadScript(shards, 'save-occupancy');
  }

  state(): Promise<string | null> {
    const { first } = this.#shards;
    return this.#read(() => this.#shards.run(first, (commands) => commands.get(first.occupancyState)));
  }

  tags(): Promise<ReadonlyMap<string, number>> {
    const { first } = this.#shards;
    return this.#read(async () => {
      const tags = new Map<string, number>();
      for (let start = 0; ; start += CHUNK_SIZE) {
        const range = [first.occupancyTags, `${start}`, `${start + CHUNK_SIZE - 1}`, 'WITHSCORES'] as const;
        const chunk = pairs(await this.#shards.run(first, (commands) => commands.zrange(...range)));
        for (const [tag, emptySinceMs] of chunk) tags.set(tag, Number(emptySinceMs));
        if (chunk.length < CHUNK_SIZE) return tags;
      }
    });
  }

  async save(
    { name, token }: { readonly name: string; readonly token: number },
    { state, tags, events }: OccupancyUpdate,
    { maxCount, oldestMs }: OccupancyEventLimits,
  ): Promise<boolean> {
    const { first } = this.#shards;
    const keys = [first.lease(name), first.occupancyState, first.occupancyTags, first.occupancyEvents];
    const tagArgs = [...tags].flatMap(([tag, emptySinceMs]) => [tag, emptySinceMs ?? '']);
    const eventArgs = events.flatMap(({ number, atMs, text }) => [number, `${number} ${atMs} ${text}`]);
    const args = [token, state ?? '', maxCount, oldestMs, tags.size, ...tagArgs, ...eventArgs];
    return this.#shards.attempt('store occupancy events', async () => (await this.#save(first, { keys, args })) === 1);
  }

  events(after: number, limit: number): Promise<OccupancyEvent[]> {
    const { first } = this.#shards;
    const range = [first.occupancyEvents, `(${after}`, '+inf', 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES'] as const;
    return this.#read(async () => {
      const found = pairs(await this.#shards.run(first, (commands) => commands.zrange(...range)));
      return found.map(([member, number]) => decode(member, number));
    });
  }

  newestNumber(beforeMs = Number.POSITIVE_INFINITY): Promise<number> {
    return this.#read(async () => {
      const oldest = await this.#eventAt(0);
      if (!oldest) return 0;
      const { first } = this.#shards;
      const count = await this.#shards.run(first, (commands) => commands.zcard(first.occupancyEvents));
      // Binary search: the first `found` events were derived before the time.
      let [found, end] = [0, count];
      while (found < end) {
        // The newest one first: it is nearly always what is asked for.
        const middle = end === count ? count - 1 : Math.floor((found + end) / 2);
        const event = await this.#eventAt(middle);
        if (event && event.atMs < beforeMs) found = middle + 1;
        else end = middle;
      }
      return found === 0 ? oldest.number - 1 : ((await this.#eventAt(found - 1))?.number ?? oldest.number - 1);
    });
  }

  async #eventAt(index: number): Promise<OccupancyEvent | undefined> {
    const { first } = this.#shards;
    const [member, number] = await this.#shards.run(first, (commands) =>
      commands.zrange(first.occupancyEvents, `${index}`, `${index}`, 'WITHSCORES'),
    );
    return member === undefined || number === undefined ? undefined : decode(member, number);
  }

  #read<T>(work: () => Promise<T>): Promise<T> {
    return this.#shards.attempt('read occupancy events', work);
  }
}

/** `member`: `<number> <time> <text>`. Its number is the score, which is also right if the member is damaged. */
function decode(member: string, number: string): OccupancyEvent {
  const numberEnd = member.indexOf(' ');
  const timeEnd = member.indexOf(' ', numberEnd + 1);
  return {
    number: Number(number),
    atMs: Number(member.slice(numberEnd + 1, timeEnd)) || 0,
    text: member.slice(timeEnd + 1),
  };
}
