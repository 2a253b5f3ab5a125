// TLS to a server that requires a client certificate.
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { StartError } from '../../src/runtime/start-error.js';
import type { TlsOptions } from '../../src/storage/redis/client/redis-address.js';
import { eventually } from '../eventually.js';
import { type Certificates, makeCertificates, SERVER_NAME } from '../storage/redis/certificates.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { type Service, startService } from './service.js';

let certificates: Certificates;
let server: RedisServer;
beforeAll(async () => {
  certificates = makeCertificates();
  const { path } = certificates;
  const files = ['--tls-cert-file', path('server.crt'), '--tls-key-file', path('server.key')];
  server = await RedisServer.startWithTls(...files, '--tls-ca-cert-file', path('ca.crt'));
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
    ['no client certificate', { ...ALL, cert: false, key: false }, /^cannot reach Redis|TLS/],
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
});
