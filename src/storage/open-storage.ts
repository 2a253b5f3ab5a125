import type { Logger } from 'pino';
import type { SourceName } from '../domain/subject.js';
import type { Clock } from '../runtime/clock.js';
import type { Storage } from './ports.js';
import { formatRedisAddress, type RedisAddress } from './redis/redis-address.js';

export interface StorePlace {
  /** undefined: SQLite. */
  readonly redis: RedisAddress | undefined;
  readonly redisPrefix: string;
  readonly dataDir: string;
  /** The names of those that are configured. */
  readonly sources: readonly SourceName[];
}

/**
 * The store of the configuration; of the other one's modules none is loaded, which takes long. Throws when the embedded
 * one cannot be opened, and StartError when Redis refuses for good; it may be away, and come.
 */
export async function openStorage(
  { redis, redisPrefix, dataDir, sources }: StorePlace,
  clock: Clock,
  log: Logger,
): Promise<Storage> {
  if (redis === undefined) {
    const { SqliteStorage } = await import('./sqlite/sqlite-storage.js');
    return new SqliteStorage(dataDir, clock, log);
  }
  const { RedisConnection } = await import('./redis/redis-connection.js');
  const { RedisStorage } = await import('./redis/redis-storage.js');
  const connection = await RedisConnection.open(redis, log);
  const storage = new RedisStorage(connection, {
    description: `Redis at ${formatRedisAddress(redis)}`,
    prefix: redisPrefix,
    shards: 1,
    sources,
    clock,
    log,
  });
  // Logs what it is refused, before the first callback is.
  await storage.check().catch(() => {});
  return storage;
}
