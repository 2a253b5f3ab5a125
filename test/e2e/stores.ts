import { afterAll, beforeAll } from '@jest/globals';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, type ServiceOptions, startService } from './service.js';

type Start = (options?: ServiceOptions) => Promise<Service>;

/** To be called where tests are described: how to start the service on each store, with a redis-server of their own. */
export function onEachStore(): [string, Start][] {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());
  return [
    ['SQLite', (options) => startService(options)],
    ['Redis', (options) => startService({ redisUrl: server.url, ...options })],
  ];
}
