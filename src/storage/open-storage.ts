import { join } from 'node:path';
import type { Logger } from 'pino';
import type { SourceName } from '../domain/subject.js';
import type { Clock } from '../runtime/clock.js';
import type { Storage } from './ports.js';
import { formatRedisAddress, type RedisAddress } from './redis/client/redis-address.js';
import type { Allowance } from './redis/client/redis-fault.js';
import type { Durability } from './redis/durability.js';

export interface StorageOptions {
  /** undefined: SQLite. */
  readonly redis: RedisAddress | undefined;
  readonly redisPrefix: string;
  readonly redisShards: number;
  /** See `UNSAFE_REDIS`. */
  readonly unsafeRedis: ReadonlySet<Allowance>;
  readonly durability: Durability;
  readonly dataDir: string;
  /** The configured sources. */
  readonly sources: readonly SourceName[];
  /** What is applied again after a possible loss of data; only with Redis. */
  readonly replayWindowMs: number;
  /** false: for a program beside the service, which neither watches for lost data nor repairs the index. */
  readonly isWatching?: boolean;
}

/**
 * Opens the configured store, and loads the modules of that adapter only, for a fast start. Throws StartError if the SQLite
 * file cannot be opened or Redis can never be used. Resolves even if Redis cannot be reached yet.
 */
export async function openStorage(options: StorageOptions, clock: Clock, log: Logger): Promise<Storage> {
  const { redis, redisPrefix, redisShards, unsafeRedis, durability, dataDir, sources, isWatching = true } = options;
  if (redis === undefined) {
    const { SqliteStorage } = await import('./sqlite/sqlite-storage.js');
    return new SqliteStorage(dataDir, clock, log);
  }
  const { openClient } = await import('./redis/client/open-client.js');
  const { RedisStorage } = await import('./redis/redis-storage.js');
  const { LastSeen } = await import('./redis/last-seen.js');
  const client = await openClient({ address: redis, allowed: unsafeRedis, durability }, log);
  const storage = new RedisStorage(client, {
    description: `Redis at ${formatRedisAddress(redis)}`,
    prefix: redisPrefix,
    shards: redisShards,
    sources,
    replayWindowMs: options.replayWindowMs,
    ...(isWatching && {
      lastSeen: new LastSeen(join(dataDir, 'redis-seen.json'), `${redisPrefix} in ${formatRedisAddress(redis)}`),
    }),
    durability,
    clock,
    log,
  });
  try {
    await storage.open();
  } catch (error) {
    await storage.close();
    throw error;
  }
  if (!isWatching) return storage;
  // Before the first callback arrives: logs what Redis refuses, and learns which data there is, so that a loss is noticed.
  await storage.check().catch(() => {});
  await storage.incidents.check().catch(() => {});
  storage.start();
  return storage;
}
