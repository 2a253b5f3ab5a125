// A Redis Cluster: three primaries with a third of the slots and a replica each.
import { adminOf, until } from './admin.mjs';
import { RedisServer } from './server.mjs';

const SLOTS = 16_384;
const PRIMARIES = 3;
const SETTINGS = [
  ...['--cluster-enabled', 'yes'],
  // So that a failover takes about as long as other things for which one waits.
  ...['--cluster-node-timeout', '1000'],
  ...['--repl-diskless-sync-delay', '0'],
  // A replica is listed only after something has come from its primary: without writes, this, by default after 10 s.
  ...['--repl-ping-replica-period', '1'],
];

/** @typedef {import('ioredis').Redis} Redis */

/**
 * Resolves once each node knows all others, and all replicas follow their primaries.
 * @param {object} [options]
 * @param {readonly string[]} [options.settings] of each node
 * @param {import('node:tls').ConnectionOptions} [options.tls] The nodes require TLS: what clients need. `settings` name the
 *   certificates.
 * @param {string} [options.program]
 */
export async function startCluster({ settings = [], tls, program } = {}) {
  const options = { settings: [...SETTINGS, ...settings], isTls: tls !== undefined, ...(program && { program }) };
  /** @type {RedisServer[]} */
  const nodes = [];
  /** @type {Redis[]} */
  const admins = [];
  const stop = async () => {
    for (const admin of admins) admin.disconnect();
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    while (nodes.length < 2 * PRIMARIES) nodes.push(await RedisServer.start(options));
    admins.push(...nodes.map((node) => adminOf(node, tls)));
    await connect(nodes, admins);
  } catch (error) {
    await stop();
    throw error;
  }
  const places = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return { nodes, admins, url: `redis${tls ? 's' : ''}+cluster://${places}`, stop };
}

/**
 * @param {readonly RedisServer[]} nodes
 * @param {readonly Redis[]} admins
 */
async function connect(nodes, admins) {
  await assignSlots(admins);
  for (const { port } of nodes.slice(1)) await admins[0]?.cluster('MEET', '127.0.0.1', port);
  const ids = await Promise.all(admins.map((admin) => admin.cluster('MYID')));
  await Promise.all(admins.slice(PRIMARIES).map((admin, n) => follow(admin, String(ids[n]))));
  await Promise.all(admins.map((admin) => until(() => isComplete(admin))));
}

/** @param {readonly Redis[]} admins */
async function assignSlots(admins) {
  const share = Math.ceil(SLOTS / PRIMARIES);
  for (const [n, admin] of admins.entries()) {
    await admin.cluster('SET-CONFIG-EPOCH', n + 1);
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot).slice(n * share, (n + 1) * share);
    if (n < PRIMARIES) await admin.cluster('ADDSLOTS', ...slots);
  }
}

/**
 * @param {Redis} replica
 * @param {string} primaryId
 */
async function follow(replica, primaryId) {
  // Refused until it knows the primary. Each time, it begins to copy the data anew.
  await until(async () => (await replica.call('CLUSTER', 'REPLICATE', primaryId)) === 'OK');
  await until(async () => (await replica.info('replication')).includes('master_link_status:up'));
}

/** @param {Redis} admin */
async function isComplete(admin) {
  const slots = /** @type {unknown[][]} */ (await admin.cluster('SLOTS'));
  const isKnown = slots.length === PRIMARIES && slots.every(({ length }) => length === 4);
  return isKnown && String(await admin.cluster('INFO')).includes('cluster_state:ok');
}
