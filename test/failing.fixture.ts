// Run by leftovers.spec.ts: a test that fails while everything that tests may open is open.
import { connect } from 'node:net';
import { beforeAll, expect, it } from '@jest/globals';
import { Listener } from './e2e/listener.js';
import { ServiceProcess } from './e2e/process.js';
import { startService } from './e2e/service.js';
import { Network } from './simulator/network.js';
import { Receiver } from './simulator/receiver.js';
import { PLAIN } from './simulator/settings.js';
import { startSimulator } from './simulator/start-simulator.js';
import { RedisServer } from './storage/redis/redis-server.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});

it('fails', async () => {
  const service = await startService({ redisUrl: redis.url });
  await Listener.open(service.url);
  connect(Number(new URL(service.url).port), '127.0.0.1').write('GET / HTTP/1.1\r\n');
  const { url } = await startSimulator(PLAIN);
  await Network.to(Number(new URL(url).port));
  await Receiver.start();
  ServiceProcess.spawn({ REDIS_URL: redis.url });
  expect('all of it open').toBe('closed');
});
