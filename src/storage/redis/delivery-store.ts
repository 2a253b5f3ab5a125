// The deliveries to endpoints in Redis: one key for the state of each, and one sorted set for each of its logs, in the order of the
// ids. All are in one shard, with the lease that protects them.
import { idBoundAt, type TimedId } from '../timed-id.js';
import {
  DELIVERY_LOGS,
  type DeliveryLog,
  type DeliveryLogLimits,
  type DeliveryRecord,
  type DeliveryStore,
  type DeliveryUpdate,
} from '../webhook-ports.js';
import { loadScript, type Script } from './script.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

/** States read by one command. */
const CHUNK_SIZE = 256;
/** Updates stored by one script, which blocks Redis. */
const MAX_UPDATES = 64;

export class RedisDeliveryStore implements DeliveryStore {
  readonly #shards: Shards;
  readonly #save: Script;

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#save = loadScript(shards, 'save-deliveries');
  }

  states(): Promise<ReadonlyMap<string, string>> {
    const { first } = this.#shards;
    return this.#attempt('read', async () => {
      const ids = await this.#shards.run(first, (commands) => commands.smembers(first.webhookStates));
      const states = new Map<string, string>();
      for (let start = 0; start < ids.length; start += CHUNK_SIZE) {
        const chunk = ids.slice(start, start + CHUNK_SIZE);
        const keys = chunk.map((id) => first.webhookState(id));
        const texts = await this.#shards.run(first, (commands) => commands.mget(keys));
        for (const [n, id] of chunk.entries()) {
          const text = texts[n];
          if (typeof text === 'string') states.set(id, text);
        }
      }
      return states;
    });
  }

  state(endpointId: string): Promise<string | null> {
    const { first } = this.#shards;
    return this.#attempt('read', () =>
      this.#shards.run(first, (commands) => commands.get(first.webhookState(endpointId))),
    );
  }

  async save(
    { name, token }: { readonly name: string; readonly token: number },
    updates: readonly DeliveryUpdate[],
    limits: Readonly<Record<DeliveryLog, DeliveryLogLimits>>,
  ): Promise<boolean> {
    const { first } = this.#shards;
    const limitArgs = DELIVERY_LOGS.flatMap((log) => [limits[log].maxCount, idBoundAt(limits[log].oldestMs)]);
    for (let start = 0; start < updates.length; start += MAX_UPDATES) {
      const chunk = updates.slice(start, start + MAX_UPDATES);
      const keys = chunk.flatMap(({ endpointId }) => this.#keysOf(endpointId));
      const call = {
        keys: [first.lease(name), first.webhookStates, ...keys],
        args: [token, ...limitArgs, ...chunk.flatMap(encodeUpdate)],
      };
      const isStored = await this.#attempt('store', async () => (await this.#save(first, call)) === 1);
      if (!isStored) return false;
    }
    return true;
  }

  async addAttempt(endpointId: string, { id, text }: DeliveryRecord, maxCount: number): Promise<void> {
    const { first } = this.#shards;
    const key = first.webhookLog('attempts', endpointId);
    await this.#attempt('store', async () => {
      const [, excess] = await this.#shards.run(first, (commands) =>
        runTransaction(
          commands
            .multi()
            .zadd(key, 0, `${id} ${text}`)
            .zrange(key, 0, `${-maxCount - 1}`),
        ),
      );
      const dropped = excess as string[];
      if (dropped.length > 0) await this.#shards.run(first, (commands) => commands.zrem(key, ...dropped));
    });
  }

  async forget(endpointIds: readonly string[]): Promise<void> {
    const { first } = this.#shards;
    if (endpointIds.length === 0) return;
    const keys = endpointIds.flatMap((id) => this.#keysOf(id));
    await this.#attempt('store', () =>
      this.#shards.run(first, (commands) =>
        runTransaction(
          commands
            .multi()
            .srem(first.webhookStates, ...endpointIds)
            .del(...keys),
        ),
      ),
    );
  }

  page(log: DeliveryLog, endpointId: string, before: TimedId | null, limit: number): Promise<DeliveryRecord[]> {
    const { first } = this.#shards;
    const max = before === null ? '+' : `(${before}`;
    return this.#attempt('read', async () => {
      const range = [first.webhookLog(log, endpointId), max, '-', 'BYLEX', 'REV', 'LIMIT', 0, limit] as const;
      return (await this.#shards.run(first, (commands) => commands.zrange(...range))).map(decodeRecord);
    });
  }

  record(log: DeliveryLog, endpointId: string, id: TimedId): Promise<string | null> {
    return this.#attempt('read', async () => {
      const member = await this.#member(log, endpointId, id);
      return member === undefined ? null : decodeRecord(member).text;
    });
  }

  remove(log: DeliveryLog, endpointId: string, id: TimedId): Promise<boolean> {
    const { first } = this.#shards;
    return this.#attempt('store', async () => {
      const member = await this.#member(log, endpointId, id);
      if (member === undefined) return false;
      const key = first.webhookLog(log, endpointId);
      return (await this.#shards.run(first, (commands) => commands.zrem(key, member))) === 1;
    });
  }

  count(log: DeliveryLog, endpointId: string): Promise<number> {
    const { first } = this.#shards;
    return this.#attempt('read', () =>
      this.#shards.run(first, (commands) => commands.zcard(first.webhookLog(log, endpointId))),
    );
  }

  async #member(log: DeliveryLog, endpointId: string, id: TimedId): Promise<string | undefined> {
    const { first } = this.#shards;
    // '!' follows the space.
    const range = [first.webhookLog(log, endpointId), `[${id} `, `(${id}!`, 'BYLEX', 'LIMIT', 0, 1] as const;
    const [member] = await this.#shards.run(first, (commands) => commands.zrange(...range));
    return member;
  }

  #keysOf(endpointId: string): string[] {
    const { first } = this.#shards;
    return [first.webhookState(endpointId), ...DELIVERY_LOGS.map((log) => first.webhookLog(log, endpointId))];
  }

  #attempt<T>(verb: 'read' | 'store', work: () => Promise<T>): Promise<T> {
    return this.#shards.attempt(`${verb} webhook deliveries`, work);
  }
}

function encodeUpdate({ endpointId, state, records }: DeliveryUpdate): (string | number)[] {
  const logs = DELIVERY_LOGS.flatMap((log) => [
    records[log].length,
    ...records[log].map(({ id, text }) => `${id} ${text}`),
  ]);
  return [endpointId, state, ...logs];
}

function decodeRecord(member: string): DeliveryRecord {
  const space = member.indexOf(' ');
  return { id: member.slice(0, space) as TimedId, text: member.slice(space + 1) };
}
