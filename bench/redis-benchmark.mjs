// SETs by redis-benchmark, which comes with Redis.
import { findProgram } from '../scripts/program.mjs';
import { outputOf } from './processes.mjs';
import { usageOf } from './usage.mjs';

/** Sends `count` SETs of `bytes` to 10,000 keys, `pipeline` at a time over `connections`. */
export async function sets({ redis, bytes, pipeline, connections, count }) {
  const load = ['-t', 'set', '-r', '10000', '-d', bytes, '-P', pipeline, '-c', connections, '-n', count].map(String);
  const before = usageOf(redis.pid).cpuS;
  const output = await outputOf(findProgram('redis-tools'), [
    '-h',
    '127.0.0.1',
    '-p',
    String(redis.port),
    '--csv',
    ...load,
  ]);
  const perSecond = Number(/^"SET[^"]*","([\d.]+)"/m.exec(output)?.[1]);
  return { perSecond, redisUs: ((usageOf(redis.pid).cpuS - before) * 1e6) / count };
}
