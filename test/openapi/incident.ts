import { Redis } from 'ioredis';
import type { ServerWatch } from '../../src/storage/redis/server-watch.js';
import { SEED, type Service, startService } from '../e2e/service.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { bearer, LOCKED, SECRET } from './calls.js';

export interface ServiceWithIncident {
  readonly redis: RedisServer;
  readonly service: Service;
  readonly id: string;
}

/** Starts a service whose Redis has come back with older data. */
export async function startWithIncident(): Promise<ServiceWithIncident> {
  const redis = await RedisServer.start();
  const service = await startService({ redisUrl: redis.url, access: LOCKED });
  const watch = service.storage.incidents as ServerWatch;
  await service.post(`/callbacks/bandwidth/${SECRET}`, SEED);
  for (let n = 0; n < 3; n += 1) await watch.check();
  const admin = new Redis(redis.url);
  const [counter = ''] = await admin.keys('*watch');
  await admin.set(counter, '1');
  admin.disconnect();
  await watch.check();
  const { json } = await service.request('/v1/incidents', { headers: bearer('admin') });
  return { redis, service, id: json.items[0].id };
}
