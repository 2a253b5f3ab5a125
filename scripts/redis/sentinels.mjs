// A primary with a replica, and three Sentinels that watch them.
import { adminOf, until } from './admin.mjs';
import { RedisServer } from './server.mjs';

const MASTER = 'mymaster';
const SENTINELS = 3;
const QUORUM = 2;

/**
 * Resolves once each Sentinel knows all others and the replica: without them, there is no failover.
 * @param {object} [options]
 * @param {readonly string[]} [options.settings] of both servers
 * @param {import('node:tls').ConnectionOptions} [options.tls] All of them require TLS: what clients need. `settings` and
 *   `sentinelSettings` name the certificates.
 * @param {readonly string[]} [options.sentinelSettings]
 * @param {(port: number) => Promise<number>} [options.proxy] Starts a proxy for a port, and resolves with its own: the others and
 *   all clients use it to reach the first primary.
 * @param {string} [options.program]
 */
export async function startSentinels({ settings = [], sentinelSettings = [], proxy, tls, program } = {}) {
  /** @type {RedisServer[]} */
  const started = [];
  const start = async (/** @type {import('./server.mjs').ServerOptions} */ options) => {
    const server = await RedisServer.start({ isTls: tls !== undefined, ...(program && { program }), ...options });
    started.push(server);
    return server;
  };
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
  };
  try {
    const fast = ['--repl-diskless-sync-delay', '0', ...settings];
    const primary = await start({ settings: fast });
    const port = (await proxy?.(primary.port)) ?? primary.port;
    const replica = await start({ settings: [...fast, '--replicaof', '127.0.0.1', String(port)] });
    const sentinel = [
      `sentinel monitor ${MASTER} 127.0.0.1 ${port} ${QUORUM}`,
      `sentinel down-after-milliseconds ${MASTER} 1000`,
      `sentinel failover-timeout ${MASTER} 5000`,
    ].join('\n');
    /** @type {RedisServer[]} */
    const sentinels = [];
    for (let n = 0; n < SENTINELS; n += 1) sentinels.push(await start({ sentinel, settings: sentinelSettings }));
    await Promise.all(sentinels.map((one) => complete(one, tls)));
    const places = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return { primary, replica, sentinels, url: `redis${tls ? 's' : ''}+sentinel://${places}/${MASTER}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {RedisServer} sentinel
 * @param {import('node:tls').ConnectionOptions | undefined} tls
 */
async function complete(sentinel, tls) {
  const admin = adminOf(sentinel, tls);
  try {
    await until(async () => /master0:.*status=ok,.*slaves=1,sentinels=3/.test(await admin.info('sentinel')));
  } finally {
    admin.disconnect();
  }
}
