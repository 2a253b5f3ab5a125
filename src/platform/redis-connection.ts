// A connection whose failures show at once. ioredis by default queues commands while the server is away and sends
// those again whose reply was lost; a commit sent twice, or late, is worse than one that failed.
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { StoreLoss } from './store-loss.js';

/** A callback has two round trips to make within its 2 s, as a rule; the limit of all of them is in work-queue.ts. */
const COMMAND_TIMEOUT_MS = 900;
const FIRST_CONNECT_MS = 2_000;

/** Resolves when connected, or when that takes longer than 2 s: it goes on trying, and commands fail meanwhile. */
export async function connectRedis(url: string, log: Logger): Promise<Redis> {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: 1_000,
    // A server that is gone without a word would else keep this connection, and all that was asked on it, for long.
    socketTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000) + Math.random() * 100,
    // A former primary after a failover: leave it, but send nothing again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  reportLoss(redis, log);
  await new Promise<void>((resolve) => {
    redis.once('ready', resolve);
    setTimeout(resolve, FIRST_CONNECT_MS).unref();
  });
  return redis;
}

/** The address of a Redis URL without its credentials. */
export function redisAddress(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

function reportLoss(redis: Redis, log: Logger): void {
  const loss = new StoreLoss(log);
  redis.on('error', (error) => loss.report(error));
  redis.on('close', () => {
    // Unless it is the end of a close that was asked for.
    if (redis.status !== 'end') loss.report(new Error('connection closed'));
  });
  redis.on('ready', () => {
    loss.report(undefined);
    warnOfSettings(redis, log).catch((error) => log.debug({ reason: error.message }, 'cannot inspect Redis'));
  });
}

/** What this Redis is set to lose. Both are defaults of a bare server. */
async function warnOfSettings(redis: Redis, log: Logger): Promise<void> {
  const facts = await redis.info('persistence', 'memory');
  if (facts.includes('aof_enabled:0')) log.warn('Redis has no append-only file: when it crashes, presence is lost');
  const policy = /maxmemory_policy:(\S+)/.exec(facts)?.[1];
  if (policy && policy !== 'noeviction')
    log.warn({ policy }, 'Redis may evict presence: set maxmemory-policy noeviction');
}
