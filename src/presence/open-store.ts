import type { Logger } from 'pino';
import { connectRedis, redisAddress } from '../platform/redis-connection.js';
import type { PresenceStore } from './presence-store.js';
import { RedisPresenceStore } from './redis/redis-presence-store.js';
import { SqlitePresenceStore } from './sqlite/sqlite-presence-store.js';

export interface StorePlace {
  readonly redisUrl: string | undefined;
  readonly redisPrefix: string;
  readonly dataDir: string;
}

/** The store of the configuration. Throws when the embedded one cannot be opened; Redis may be away, and come. */
export async function openStore({ redisUrl, redisPrefix, dataDir }: StorePlace, log: Logger): Promise<PresenceStore> {
  if (redisUrl === undefined) return new SqlitePresenceStore(dataDir, log);
  const description = `Redis at ${redisAddress(redisUrl)}`;
  return new RedisPresenceStore(await connectRedis(redisUrl, log), { description, prefix: redisPrefix, shards: 1 });
}
