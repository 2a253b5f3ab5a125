// A primary with a replica, and three Sentinels that watch them, for tests.
import { startSentinels } from '../../../scripts/redis/sentinels.mjs';
import { closeOnce } from '../../leftovers.js';
import type { RedisServer } from './redis-server.js';

export class RedisSentinels {
  private constructor(
    /** The first primary, then its replica. */
    readonly servers: readonly [RedisServer, RedisServer],
    readonly sentinels: readonly RedisServer[],
    readonly url: string,
    readonly stop: () => Promise<void>,
  ) {}

  /** `settings`: of both servers. */
  static async start(...settings: string[]): Promise<RedisSentinels> {
    const { primary, replica, sentinels, url, stop } = await startSentinels({ settings });
    return new RedisSentinels([primary, replica], sentinels, url, closeOnce(stop));
  }
}
