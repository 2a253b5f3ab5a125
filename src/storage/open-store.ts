import type { Logger } from 'pino';
import type { SourceName } from '../domain/subject.js';
import type { PresenceStore } from './ports.js';
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
export async function openStore(
  { redis, redisPrefix, dataDir, sources }: StorePlace,
  log: Logger,
): Promise<PresenceStore> {
  if (redis === undefined) {
    const { SqlitePresenceStore } = await import('./sqlite/sqlite-presence-store.js');
    return new SqlitePresenceStore(dataDir, log);
  }
  const { RedisConnection } = await import('./redis/redis-connection.js');
  const { RedisPresenceStore } = await import('./redis/redis-presence-store.js');
  const description = `Redis at ${formatRedisAddress(redis)}`;
  const connection = await RedisConnection.open(redis, log);
  const store = new RedisPresenceStore(connection, {
    description,
    prefix: redisPrefix,
    shards: 1,
    sources,
    log,
  });
  // Logs what it is refused, before the first callback is.
  await store.check().catch(() => {});
  return store;
}
