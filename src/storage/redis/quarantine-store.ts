// Quarantined callbacks in Redis: one sorted set of everything but their bodies, in the order of their ids, and one key per body.
// All of them are in one shard: they are few, and nothing else refers to them.
import type {
  QuarantinedCallback,
  QuarantineEntry,
  QuarantineFilter,
  QuarantineLimits,
  QuarantineStore,
} from '../ports.js';
import { idBoundAt, type TimedId } from '../timed-id.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** Entries read at once, while those that match a filter, or the sizes of all, are looked for. */
const CHUNK_SIZE = 1_000;
/** Callbacks dropped per call. */
const MAX_TRIMMED = 500;

/** The id, a space and the other attributes as JSON. All have the score 0, so that Redis sorts them by their bytes. */
type Member = string & { readonly brand: 'QuarantineMember' };

export class RedisQuarantineStore implements QuarantineStore {
  readonly #shards: Shards;
  readonly #shard: Shard;

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#shard = shards.first;
  }

  async add(callbacks: readonly QuarantinedCallback[]): Promise<void> {
    await this.#shards.attempt('store quarantined callbacks', async () => {
      await this.#shards.run(this.#shard, (commands) => {
        const transaction = commands.multi();
        for (const { body, ...entry } of callbacks) {
          transaction.set(this.#shard.quarantined(entry.id), body).zadd(this.#shard.quarantine, 0, encode(entry));
        }
        return runTransaction(transaction);
      });
    });
  }

  page(filter: QuarantineFilter, before: TimedId | null, limit: number): Promise<QuarantineEntry[]> {
    const { source, reason } = filter;
    const isFiltered = source !== undefined || reason !== undefined;
    return this.#shards.attempt('read quarantined callbacks', async () => {
      const found: QuarantineEntry[] = [];
      const chunkSize = isFiltered ? CHUNK_SIZE : limit;
      for await (const member of this.#newestFirst(filter, before, chunkSize)) {
        const entry = decode(member);
        if (source !== undefined && entry.source !== source) continue;
        if (reason !== undefined && entry.reason !== reason) continue;
        if (found.push(entry) === limit) break;
      }
      return found;
    });
  }

  get(id: TimedId): Promise<QuarantinedCallback | null> {
    return this.#shards.attempt('read quarantined callbacks', async () => {
      const key = this.#shard.quarantined(id);
      const readBody = this.#shards.run(this.#shard, (commands) => commands.getBuffer(key));
      const [member, body] = await Promise.all([this.#memberOf(id), readBody]);
      return member === undefined || body === null ? null : { ...decode(member), body };
    });
  }

  remove(ids: readonly TimedId[]): Promise<number> {
    return this.#shards.attempt('remove quarantined callbacks', async () => {
      const members = await Promise.all(ids.map((id) => this.#memberOf(id)));
      return this.#drop(members.filter((member) => member !== undefined));
    });
  }

  /** Adds up the sizes anew each time: a counter could drift. */
  trim({ maxCount, maxBytes, oldestMs }: QuarantineLimits): Promise<boolean> {
    return this.#shards.attempt('remove quarantined callbacks', async () => {
      let [count, bytes] = [0, 0];
      let newestDropped: Member | undefined;
      const oldestId = idBoundAt(oldestMs);
      for await (const member of this.#newestFirst({}, null, CHUNK_SIZE)) {
        count += 1;
        bytes += decode(member).bytes;
        const isOver = count > maxCount || bytes > maxBytes || member < oldestId;
        if (!isOver) continue;
        newestDropped = member;
        break;
      }
      if (newestDropped === undefined) return false;
      const dropped = await this.#range('-', `[${newestDropped}`, MAX_TRIMMED);
      await this.#drop(dropped);
      return dropped.length === MAX_TRIMMED;
    });
  }

  size(): Promise<number> {
    return this.#shards.attempt('read quarantined callbacks', async () =>
      this.#shards.run(this.#shard, (commands) => commands.zcard(this.#shard.quarantine)),
    );
  }

  async *#newestFirst(
    { sinceMs = 0, untilMs }: QuarantineFilter,
    before: TimedId | null,
    chunkSize: number,
  ): AsyncGenerator<Member, undefined> {
    const untilId = untilMs === undefined ? undefined : idBoundAt(untilMs);
    let end = [before, untilId].filter((id) => typeof id === 'string').sort()[0];
    for (;;) {
      const max = end === undefined ? '+' : `(${end}`;
      const range = [this.#shard.quarantine, max, `[${idBoundAt(sinceMs)}`] as const;
      const chunk = await this.#shards.run(this.#shard, (commands) =>
        commands.zrange(...range, 'BYLEX', 'REV', 'LIMIT', 0, chunkSize),
      );
      yield* chunk as Member[];
      end = chunk.at(-1);
      if (end === undefined || chunk.length < chunkSize) return;
    }
  }

  async #memberOf(id: TimedId): Promise<Member | undefined> {
    // '!' follows the space.
    const [member] = await this.#range(`[${id} `, `(${id}!`, 1);
    return member;
  }

  async #range(min: string, max: string, limit: number): Promise<Member[]> {
    return (await this.#shards.run(this.#shard, (commands) =>
      commands.zrange(this.#shard.quarantine, min, max, 'BYLEX', 'LIMIT', 0, limit),
    )) as Member[];
  }

  async #drop(members: readonly Member[]): Promise<number> {
    if (members.length === 0) return 0;
    const bodies = members.map((member) => this.#shard.quarantined(idOf(member)));
    const [count] = await this.#shards.run(this.#shard, (commands) =>
      runTransaction(
        commands
          .multi()
          .zrem(this.#shard.quarantine, ...members)
          .del(...bodies),
      ),
    );
    return Number(count);
  }
}

function encode({ id, ...attributes }: QuarantineEntry): Member {
  return `${id} ${JSON.stringify(attributes)}` as Member;
}

function decode(member: Member): QuarantineEntry {
  const attributes = JSON.parse(member.slice(member.indexOf(' '))) as Omit<QuarantineEntry, 'id'>;
  return { id: idOf(member), ...attributes };
}

function idOf(member: Member): TimedId {
  return member.slice(0, member.indexOf(' ')) as TimedId;
}
