// TLS to servers that require a client certificate: a single one, Sentinels, and a Redis Cluster.
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startCluster } from '../../scripts/redis/cluster.mjs';
import { startSentinels } from '../../scripts/redis/sentinels.mjs';
import { StartError } from '../../src/runtime/start-error.js';
import type { TlsOptions } from '../../src/storage/redis/client/redis-address.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { type Certificates, makeCertificates, SERVER_NAME } from '../storage/redis/certificates.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { type Service, startService } from './service.js';

let certificates: Certificates;
let files: string[];
let server: RedisServer;
beforeAll(async () => {
  certificates = makeCertificates();
  const { path } = certificates;
  files = ['--tls-cert-file', path('server.crt'), '--tls-key-file', path('server.key')];
  files.push('--tls-ca-cert-file', path('ca.crt'));
  server = await RedisServer.startWithTls(...files);
});

let service: Service | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

function tlsWith(names: Record<keyof TlsOptions, boolean>): TlsOptions {
  const read = (name: string) => readFileSync(certificates.path(name), 'utf8');
  return {
    ca: names.ca ? read('ca.crt') : undefined,
    cert: names.cert ? read('client.crt') : undefined,
    key: names.key ? read('client.key') : undefined,
    servername: names.servername ? SERVER_NAME : undefined,
  };
}

const NO_CLIENT_CERTIFICATE =
  /^(Redis|Sentinel) at 127\.0\.0\.1:\d+ requires a client certificate that it trusts: see REDIS_TLS_CERT_FILE; trying again$/;
const ALL = { ca: true, cert: true, key: true, servername: true };

describe('TLS', () => {
  const url = () => server.url.replace('redis:', 'rediss:');

  it('with the certificates and the name of the server', async () => {
    service = await startService({ redisUrl: url(), redisTls: tlsWith(ALL) });
    expect((await service.callback()).status).toBe(204);
  });

  it.each([
    [
      'an unknown authority',
      { ...ALL, ca: false },
      /certificate of Redis at .* is not trusted .*: see REDIS_TLS_CA_FILE/,
    ],
    ['another name', { ...ALL, servername: false }, /certificate of Redis at .* is not trusted/],
    ['no client certificate', { ...ALL, cert: false, key: false }, NO_CLIENT_CERTIFICATE],
  ])('with %s is reported in one line', async (_, names, line) => {
    const started = await startService({ redisUrl: url(), redisTls: tlsWith(names) }).catch((error: Error) => error);
    if (started instanceof StartError) expect(started.message).toMatch(line);
    else {
      service = started as Service;
      const lines = () => service?.logged.map(({ msg }) => String(msg)).filter((msg) => msg.includes('127.0.0.1:'));
      await eventually(() => expect(lines()).toContainEqual(expect.stringMatching(line)));
      expect(lines()?.filter((msg) => msg.includes(String(server.port)))).toHaveLength(1);
    }
  });

  it('with the settings of a process', async () => {
    const { path } = certificates;
    const tls = { REDIS_TLS_CA_FILE: path('ca.crt'), REDIS_TLS_SERVER_NAME: SERVER_NAME };
    const client = { REDIS_TLS_CERT_FILE: path('client.crt'), REDIS_TLS_KEY_FILE: path('client.key') };
    const started = ServiceProcess.spawn({ REDIS_URL: url(), ...tls, ...client });
    await started.listensOrEnds();
    await eventually(async () => expect((await fetch(`${started.url}/health/ready`)).status).toBe(200));
  });

  it.each([
    ['Sentinels', startTlsSentinels, 1],
    ['a Redis Cluster', startTlsCluster, 16],
  ])('to %s, all of whose connections use it', async (_, start, redisShards) => {
    const { url: redisUrl, lose } = await start();
    service = await startService({ redisUrl, redisTls: tlsWith(ALL), redisShards });
    // On a busy machine, the first commands may time out.
    await eventually(async () => expect((await service?.callback())?.status).toBe(204));
    await lose();
    await eventually(async () => expect((await service?.callback({ event: 'onLeave' }))?.status).toBe(204));
    await eventually(async () => expect((await service?.request('/v1/occupancy'))?.json.connected).toBe(0));
  });

  it.each([
    ['Sentinel', startTlsSentinels],
    ['Redis Cluster', startTlsCluster],
  ])('without a client certificate to a %s is reported in one line', async (_, start) => {
    const { url: redisUrl } = await start();
    const redisTls = tlsWith({ ...ALL, cert: false, key: false });
    service = await startService({ redisUrl, redisTls });
    const lines = () => service?.logged.map(({ msg }) => String(msg)) ?? [];
    await eventually(() => expect(lines().filter((msg) => NO_CLIENT_CERTIFICATE.test(msg))).toHaveLength(1));
  });
});

/** `lose` ends a primary. */
async function startTlsSentinels() {
  const settings = [...files, '--tls-replication', 'yes'];
  const started = await startSentinels({ settings, sentinelSettings: settings, tls: tlsWith(ALL) });
  closeOnce(started.stop);
  return { url: started.url, lose: () => started.primary.kill() };
}

async function startTlsCluster() {
  const settings = [...files, '--tls-replication', 'yes', '--tls-cluster', 'yes'];
  const started = await startCluster({ settings, tls: tlsWith(ALL) });
  closeOnce(started.stop);
  return { url: started.url, lose: async () => started.nodes[0]?.kill() };
}
