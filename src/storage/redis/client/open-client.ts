import type { Logger } from 'pino';
import { ClusterClient } from './cluster-client.js';
import type { RedisTarget } from './connection-options.js';
import type { RedisClient } from './redis-client.js';
import { RedisConnection } from './redis-connection.js';

/**
 * Resolves when connected, or after about 2 s: the client keeps trying. Rejects with StartError for permanent faults: a wrong
 * password, version, database, eviction policy or kind of server.
 */
export function openClient(target: RedisTarget, log: Logger): Promise<RedisClient> {
  return target.address.kind === 'cluster' ? ClusterClient.open(target, log) : RedisConnection.open(target, log);
}
