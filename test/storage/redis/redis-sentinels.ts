// A primary with a replica, and three Sentinels that watch them, for tests.
import { startSentinels } from '../../../scripts/redis/sentinels.mjs';
import { closeOnce } from '../../leftovers.js';
import type { RedisServer } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

export class RedisSentinels {
  private constructor(
    /** The first primary, then its replica. */
    readonly servers: readonly [RedisServer, RedisServer],
    readonly sentinels: readonly RedisServer[],
    readonly url: string,
    readonly stop: () => Promise<void>,
    /** Only of `startBehindProxy`. */
    readonly proxy?: TcpProxy,
  ) {}

  /** `settings`: of both servers. */
  static async start(...settings: string[]): Promise<RedisSentinels> {
    const { primary, replica, sentinels, url, stop } = await startSentinels({ settings });
    return new RedisSentinels([primary, replica], sentinels, url, closeOnce(stop));
  }

  /** The replica, the Sentinels and their clients reach the first primary through a proxy. */
  static async startBehindProxy(): Promise<RedisSentinels> {
    let proxy: TcpProxy | undefined;
    const { primary, replica, sentinels, url, stop } = await startSentinels({
      proxy: async (port) => {
        proxy = await TcpProxy.start(port);
        closeOnce(() => proxy?.stop());
        return proxy.port;
      },
    });
    const stopAll = closeOnce(async () => {
      await proxy?.stop();
      await stop();
    });
    return new RedisSentinels([primary, replica], sentinels, url, stopAll, proxy);
  }
}
