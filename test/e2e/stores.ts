import { afterAll, beforeAll } from '@jest/globals';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, type ServiceOptions, startService } from './service.js';

type Start = (options?: ServiceOptions) => Promise<Service>;

/** Must be called outside of tests. Returns how to start the service on each store; starts and stops a redis-server for it. */
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
