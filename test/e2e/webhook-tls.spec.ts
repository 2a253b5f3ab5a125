// Webhooks over TLS: the certificate of the receiver must be valid, by the authorities of the system or those that Node.js is given.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { closeOnce } from '../leftovers.js';
import { type Certificates, makeCertificates } from '../storage/redis/certificates.js';
import { ServiceProcess } from './process.js';

const NAME = 'localhost';
const ENDPOINTS = '/v1/webhooks/endpoints';

describe('an endpoint with https', () => {
  let certificates: Certificates;
  let port: number;
  let received: string[];
  let stop: () => unknown;
  beforeAll(() => {
    certificates = makeCertificates(NAME);
  });
  beforeEach(async () => {
    received = [];
    const [cert, key] = ['server.crt', 'server.key'].map((name) => readFileSync(certificates.path(name)));
    const server = createServer({ cert, key }, (request, response) => {
      received.push(String(request.headers['webhook-id']));
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    stop = closeOnce(() => {
      server.closeAllConnections();
      server.close();
    });
  });
  afterEach(() => void stop());

  const sendTest = async (url: string, settings: Record<string, string>) => {
    const service = await ServiceProcess.start({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8,::1', ...settings });
    const { id } = (await (await service.post(ENDPOINTS, { url })).json()) as { readonly id: string };
    const answer = await service.post(`${ENDPOINTS}/${id}/test`, {});
    const result = (await answer.json()) as Record<string, unknown>;
    await service.end('SIGTERM');
    return result;
  };

  it('is told if its certificate is from an authority of NODE_EXTRA_CA_CERTS', async () => {
    const settings = { NODE_EXTRA_CA_CERTS: certificates.path('ca.crt') };
    const result = await sendTest(`https://${NAME}:${port}/presence`, settings);
    expect(result).toMatchObject({ delivered: true, status: 204 });
    expect(received).toEqual([result.messageId]);
  });

  it('is not told if nobody vouches for its certificate, or it is for another name', async () => {
    const unknown = await sendTest(`https://${NAME}:${port}/presence`, {});
    expect(unknown).toMatchObject({ delivered: false, error: expect.stringMatching(/VERIFY|SELF_SIGNED|ISSUER/) });
    const settings = { NODE_EXTRA_CA_CERTS: certificates.path('ca.crt') };
    const other = await sendTest(`https://127.0.0.1:${port}/presence`, settings);
    expect(other).toMatchObject({ delivered: false, error: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(received).toEqual([]);
  });
});
