// Asks a server one question over a connection of its own: a Sentinel where the master is, or a node where the slots are.
import { Redis } from 'ioredis';
import { type Access, CONNECT_TIMEOUT_MS, connectionOptions } from './connection-options.js';
import type { ServerPlace } from './redis-address.js';

/** Rejects within about two seconds, with the first error of the connection or that of the command. */
export async function askServer(place: ServerPlace, access: Access, name: string, ...args: string[]): Promise<unknown> {
  const redis = new Redis({
    ...connectionOptions(place, access),
    // Sentinels have no use for a newer one.
    protocol: 2,
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: CONNECT_TIMEOUT_MS,
  });
  let firstError: unknown;
  redis.on('error', (error) => {
    firstError ??= error;
  });
  try {
    await redis.connect();
    return await redis.call(name, ...args);
  } catch (error) {
    throw firstError ?? error;
  } finally {
    redis.disconnect();
  }
}
