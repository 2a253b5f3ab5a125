import type { Logger } from 'pino';
import type { PresenceStore } from './presence-store.js';

export interface StorePlace {
  readonly redisUrl: string | undefined;
  readonly redisPrefix: string;
  readonly dataDir: string;
}

/**
 * The store of the configuration; of the other one's modules none is loaded, which takes long. Throws when the embedded
 * one cannot be opened; Redis may be away, and come.
 */
export async function openStore({ redisUrl, redisPrefix, dataDir }: StorePlace, log: Logger): Promise<PresenceStore> {
  if (redisUrl === undefined) {
    const { SqlitePresenceStore } = await import('./sqlite/sqlite-presence-store.js');
    return new SqlitePresenceStore(dataDir, log);
  }
  const { connectRedis, redisAddress } = await import('../platform/redis-connection.js');
  const { RedisPresenceStore } = await import('./redis/redis-presence-store.js');
  const description = `Redis at ${redisAddress(redisUrl)}`;
  return new RedisPresenceStore(await connectRedis(redisUrl, log), { description, prefix: redisPrefix, shards: 1 });
}
