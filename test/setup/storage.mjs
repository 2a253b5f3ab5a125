// Run by Jest before the specs of the project `storage`. Starts the servers that they share (test/contract/stores.ts): each store
// under test has keys of its own, and a start takes longer than most specs.
import { findOnPath, findProgram, installForTests } from '../../scripts/program.mjs';
import { startCluster } from '../../scripts/redis/cluster.mjs';
import { startSentinels } from '../../scripts/redis/sentinels.mjs';
import { RedisServer, stopServersAtExit } from '../../scripts/redis/server.mjs';

export default async () => {
  for (const program of ['redis-server', 'postgresql']) installForTests(program);
  if (!findProgram('redis-server')) return;
  stopServersAtExit();
  const valkey = findOnPath('valkey-server');
  if (!valkey) console.error('valkey-server is not on the PATH: the store is not tested on Valkey.');
  const starts = [startSingle(), startSentinels().then(ofSentinels), startCluster().then(ofCluster)];
  if (valkey) starts.push(startSingle(valkey), startCluster({ program: valkey }).then(ofCluster));
  const [single, sentinels, cluster, valkeySingle, valkeyCluster] = await Promise.all(starts);
  process.env.SHARED_REDIS = JSON.stringify({ single, sentinels, cluster, valkeySingle, valkeyCluster });
};

/** `servers`: where a user must be created. */
async function startSingle(program) {
  const { url } = await RedisServer.start(program ? { program } : {});
  return { url, servers: [url] };
}

const ofSentinels = ({ url, primary, replica }) => ({ url, servers: [primary.url, replica.url] });

function ofCluster({ url, nodes, admins }) {
  for (const admin of admins) admin.disconnect(); // else Jest does not exit
  return { url, servers: nodes.map((node) => node.url) };
}
