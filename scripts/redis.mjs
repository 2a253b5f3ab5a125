// npm run redis:sentinel, npm run redis:cluster: starts Redis with Sentinels, or a Redis Cluster, on free loopback ports and
// without lasting data, and prints the settings with which Rollcall uses it.
import { install } from './prepare.mjs';
import { ensurePrograms } from './program.mjs';

install();
ensurePrograms('redis-server');
const { stopServers, stopServersAtExit } = await import('./redis/server.mjs');
stopServersAtExit();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // Not only once: npm passes on a Ctrl-C that the terminal has sent to all processes.
  process.on(signal, () => void stopServers().finally(() => process.exit(0)));
}
const { settings, roles } = await (process.argv[2] === 'cluster' ? cluster() : sentinel());
console.log(`Running, with the ids of the processes:

${roles.map(([role, { port, pid }]) => `  ${role.padEnd(10)} 127.0.0.1:${port}  ${pid}`).join('\n')}

Start Rollcall with:

  ${settings} npm start

To see a failover, end a primary: kill, and its id. Ctrl-C ends all of them and removes their data.`);

async function sentinel() {
  const { startSentinels } = await import('./redis/sentinels.mjs');
  const { primary, replica, sentinels, url } = await startSentinels({ settings: ['--appendonly', 'yes'] });
  const watching = sentinels.map((one) => ['Sentinel', one]);
  return { settings: `REDIS_URL=${url}`, roles: [['primary', primary], ['replica', replica], ...watching] };
}

async function cluster() {
  const { startCluster } = await import('./redis/cluster.mjs');
  const durable = ['--appendonly', 'yes', '--cluster-require-full-coverage', 'no'];
  const { nodes, url } = await startCluster({ settings: durable });
  const roles = nodes.map((node, n) => [n < nodes.length / 2 ? 'primary' : 'replica', node]);
  return { settings: `REDIS_URL=${url} REDIS_SHARDS=16`, roles };
}
