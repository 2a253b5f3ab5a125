// A primary with a replica, and three Sentinels that watch them, for tests.
import { Redis } from 'ioredis';
import { eventually } from '../../eventually.js';
import { RedisServer } from './redis-server.js';

const MASTER = 'mymaster';
const SENTINELS = 3;
const QUORUM = 2;

export class RedisSentinels {
  private constructor(
    /** The first primary, then its replica. */
    readonly servers: readonly [RedisServer, RedisServer],
    readonly sentinels: readonly RedisServer[],
  ) {}

  /** `settings`: of both servers. */
  static async start(...settings: string[]): Promise<RedisSentinels> {
    const fast = ['--repl-diskless-sync-delay', '0', ...settings];
    const primary = await RedisServer.start(...fast);
    const replica = await RedisServer.start(...fast, '--replicaof', '127.0.0.1', String(primary.port));
    const configuration = [
      `sentinel monitor ${MASTER} 127.0.0.1 ${primary.port} ${QUORUM}`,
      `sentinel down-after-milliseconds ${MASTER} 1000`,
      `sentinel failover-timeout ${MASTER} 5000`,
    ].join('\n');
    const sentinels: RedisServer[] = [];
    for (let n = 0; n < SENTINELS; n += 1) sentinels.push(await RedisServer.startSentinel(configuration));
    const started = new RedisSentinels([primary, replica], sentinels);
    await eventually(() => Promise.all(sentinels.map(expectComplete)));
    return started;
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${MASTER}`;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }
}

/** Whether the Sentinel knows the others and the replica: without them, there is no failover. */
async function expectComplete(sentinel: RedisServer): Promise<void> {
  const admin = new Redis(sentinel.url, { protocol: 2 });
  try {
    const line = /master0:.*status=ok,.*slaves=1,sentinels=3/;
    if (!line.test(await admin.info('sentinel'))) throw new Error('a Sentinel does not know all servers yet');
  } finally {
    admin.disconnect();
  }
}
