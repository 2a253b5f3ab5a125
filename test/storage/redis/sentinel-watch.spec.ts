// A Sentinel that is cut off from the others may name a former master: commits acknowledged there are lost.
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openClient } from '../../../src/storage/redis/client/open-client.js';
import { parseRedisUrl } from '../../../src/storage/redis/client/parse-redis-url.js';
import type { RedisClient } from '../../../src/storage/redis/client/redis-client.js';
import { eventually } from '../../eventually.js';
import { closeOnce } from '../../leftovers.js';
import { RedisSentinels } from './redis-sentinels.js';
import { RedisServer } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

let sentinels: RedisSentinels;
/** In front of each Sentinel. */
let proxies: TcpProxy[];
let former: RedisServer;
let client: RedisClient;
beforeEach(async () => {
  [sentinels, former] = await Promise.all([RedisSentinels.start(), RedisServer.start()]);
  proxies = await Promise.all(sentinels.sentinels.map(({ port }) => TcpProxy.start(port)));
  for (const proxy of proxies) closeOnce(() => proxy.stop());
  const places = proxies.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const address = parseRedisUrl(`redis+sentinel://${places}/mymaster`);
  client = await openClient({ address }, pino({ level: 'silent' }));
});
afterEach(async () => {
  await client.close();
  await sentinels.stop();
  await former.stop();
});

/** Lets a Sentinel name the former master. Returns how often it has done so. */
function misinform(proxy: TcpProxy | undefined): () => number {
  let count = 0;
  if (proxy) {
    proxy.rewrite = (text) => {
      if (!text.startsWith('*2\r\n')) return text;
      count += 1;
      const [host, port] = ['127.0.0.1', String(former.port)];
      return `*2\r\n$${host.length}\r\n${host}\r\n$${port.length}\r\n${port}\r\n`;
    };
  }
  return () => count;
}

const portInUse = async () => {
  const [, port] = (await client.run(0, (commands) => commands.config('GET', 'port'))) as [string, string];
  return Number(port);
};

it('a verified connection is replaced only if more than half of the Sentinels name another master', async () => {
  const [primary] = sentinels.servers;
  expect(await portInUse()).toBe(primary.port);
  const [first, second, third] = proxies;
  const namedByThird = misinform(third);
  first?.partition(true);
  second?.partition(true);
  await eventually(() => expect(namedByThird()).toBeGreaterThanOrEqual(2));
  expect(await portInUse()).toBe(primary.port);
  expect(client.reconnects).toBe(0);
  misinform(second);
  second?.partition(false);
  await eventually(async () => expect(await portInUse()).toBe(former.port));
  expect(client.reconnects).toBe(1);
});
