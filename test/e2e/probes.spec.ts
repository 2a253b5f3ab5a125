// A process at its limits is alive: probes are still answered, so that an orchestrator does not restart it.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { eventually } from '../eventually.js';
import { type Service, startService } from './service.js';

const PROBES = ['/health/live', '/health/ready'];
const CALLBACK_HEAD =
  'POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n';
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

describe('health probes', () => {
  let service: Service;
  let sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await service.stop();
  });

  /** Opens a connection and sends the text. `received` returns everything received so far. */
  async function dial(text = ''): Promise<{ socket: Socket; received: () => string }> {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    sockets.push(socket);
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(text);
    return { socket, received: () => received };
  }

  it.each(['info', 'trace'] as const)(
    'are answered while callbacks exhaust the in-flight limit, at log level %s',
    async (logLevel) => {
      service = await startService({ http: { maxInFlight: 5 }, logLevel });
      const release = service.holdLoads();
      const held = Array.from({ length: 5 }, () => service.callback());
      await eventually(async () => expect((await service.request('/v1/occupancy')).status).toBe(503));
      for (const path of PROBES) {
        for (const method of ['GET', 'HEAD']) expect((await service.request(path, { method })).status).toBe(200);
      }
      expect((await service.request('/v1/occupancy')).status).toBe(503);
      release();
      for (const { status } of await Promise.all(held)) expect(status).toBe(204);
    },
  );

  it.each(['info', 'trace'] as const)(
    'are answered on a separate connection beyond MAX_CONNECTIONS, unlike other requests, at log level %s',
    async (logLevel) => {
      service = await startService({ http: { maxConnections: 3 }, logLevel });
      for (let n = 0; n < 3; n += 1) await dial();
      for (const path of PROBES) {
        const probe = await dial(get(path).repeat(2));
        await once(probe.socket, 'close');
        expect(probe.received().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
      }
      for (const path of ['/v1/participants/p1', '/v1/changes/stream', '/nowhere', '/openapi.json']) {
        const other = await dial(get(path));
        await once(other.socket, 'close');
        expect(other.received()).toMatch(/^HTTP\/1\.1 503 .*overloaded/s);
      }
      const callback = await dial(CALLBACK_HEAD + 'x'.repeat(100));
      await once(callback.socket, 'close');
      expect(callback.received()).toMatch(/^HTTP\/1\.1 503 .*overloaded/s);
    },
  );

  it('are answered however many further connections send no request', async () => {
    service = await startService({ http: { maxConnections: 3 } });
    const regular = [await dial(), await dial(), await dial()];
    const silent: typeof regular = [];
    for (let n = 0; n < 100; n += 1) {
      silent.push(await dial(n % 2 ? '' : 'GET /health/live HT'));
      if (n % 20 > 0) continue;
      const probe = await dial(get('/health/live'));
      await once(probe.socket, 'close');
      expect(probe.received()).toMatch(/^HTTP\/1\.1 200 /);
    }
    const isRefused = ({ received }: (typeof regular)[number]) => received().startsWith('HTTP/1.1 503');
    await eventually(() => expect(silent.slice(0, 68).every(isRefused)).toBe(true));
    expect(regular.some(isRefused)).toBe(false);
  });

  it('need no key and are not rate-limited', async () => {
    const apiKeys = parseApiKeys(`ops:read:${digestOf('key-of-ops').toString('hex')}`);
    service = await startService({ http: { rateLimitPerMinute: 1 }, access: { apiKeys } });
    const tags = (key: string) => service.request('/v1/tags', { headers: { authorization: `Bearer ${key}` } });
    for (let n = 0; n < 40; n += 1) await tags('wrong');
    await tags('key-of-ops');
    expect([(await tags('wrong')).status, (await tags('key-of-ops')).status]).toEqual([429, 429]);
    for (const path of PROBES) {
      for (const authorization of ['Bearer wrong', 'Basic x', 'nonsense', 'Bearer key-of-ops']) {
        expect((await service.request(path, { headers: { authorization } })).status).toBe(200);
      }
    }
  });
});
