// The implementations that are compared. Each starts with an empty store, and with its own Redis if it needs one.
import { startNode, startRedis } from './processes.mjs';

export const FLOOR = { name: 'floor: bare node:http', start: () => alone('bench/floor.mjs') };
export const BY_HAND = { name: 'hand-written: Express + ioredis', start: () => onRedis('bench/naive.mjs') };
export const ON_REDIS = { name: 'Rollcall on Redis', start: () => onRedis('dist/main.js') };
export const ON_SQLITE = { name: 'Rollcall on SQLite', start: () => alone('dist/main.js') };

/** `pids`: the processes whose CPU time counts. */
async function alone(file) {
  const { port, pid, stop } = await startNode(file);
  return { port, pids: { service: pid }, stop };
}

async function onRedis(file) {
  const redis = await startRedis();
  const { port, pid, stop } = await startNode(file, { REDIS_URL: redis.url });
  return {
    port,
    pids: { service: pid, redis: redis.pid },
    stop: async () => {
      await stop();
      await redis.stop();
    },
  };
}
