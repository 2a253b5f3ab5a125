// Limits of the HTTP server: what untrusted clients can do to the process is bounded.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { eventually } from '../eventually.js';
import { SEED, type Service, type ServiceOptions, startService } from './service.js';

const BODY = JSON.stringify(SEED);
const HEAD = `POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;

const LIVENESS = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';

describe('the HTTP server', () => {
  let service: Service;
  let sockets: Socket[] = [];
  let stopDrip = () => {};
  afterEach(async () => {
    stopDrip();
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await service.stop();
  });

  const start = async (options: ServiceOptions) => {
    service = await startService(options);
  };
  async function dial(): Promise<{ socket: Socket; received: () => string }> {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    return { socket, received: () => text };
  }

  it('refuses requests beyond the in-flight limit, and accepts them again when one has ended', async () => {
    await start({ http: { maxInFlight: 1 } });
    const held = await dial();
    const release = service.holdLoads();
    held.socket.write(HEAD + BODY);
    await eventually(async () => {
      const { status, headers, json } = await service.request('/v1/occupancy');
      expect([status, headers.get('retry-after'), json.type]).toEqual([503, '1', 'urn:rollcall:problem:overloaded']);
    });
    release();
    await eventually(() => expect(held.received()).toMatch(/^HTTP\/1\.1 204/));
    expect((await service.request('/v1/occupancy')).json).toMatchObject({ connected: 1 });
    const releaseAgain = service.holdLoads();
    const gone = await dial();
    gone.socket.write(HEAD + BODY);
    await eventually(async () => expect((await service.request('/v1/occupancy')).status).toBe(503));
    gone.socket.destroy();
    await eventually(async () => expect((await service.request('/v1/occupancy')).status).toBe(200));
    releaseAgain();
  });

  it('refuses connections beyond the limit with a 503', async () => {
    await start({ http: { maxConnections: 3 } });
    const held = [await dial(), await dial(), await dial()];
    for (const { socket } of held) socket.write(HEAD);
    const refused = await dial();
    const closed = once(refused.socket, 'close');
    refused.socket.write('GET /v1/occupancy HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await eventually(() =>
      expect(refused.received()).toMatch(/^HTTP\/1\.1 503 .*connection: close.*retry-after: 1.*overloaded/s),
    );
    await closed;
    for (const { socket } of held) socket.destroy();
    await eventually(async () => expect((await service.request('/v1/occupancy')).status).toBe(200));
  });

  const TIMEOUTS = { requestMs: 10_000, stalledWriteMs: 10_000, checkMs: 50 };
  async function dialIdle(): Promise<{ socket: Socket; received: () => string }> {
    const idle = await dial();
    idle.socket.write(LIVENESS);
    await eventually(() => expect(idle.received()).toContain('{"status":"ok"}'));
    return idle;
  }

  it('closes idle connections to make room for new ones, but none with a request in progress', async () => {
    await start({ http: { maxConnections: 3, timeouts: TIMEOUTS } });
    const idle = [await dialIdle(), await dialIdle()];
    const busy = await dial();
    busy.socket.write(HEAD);
    const closed = Promise.all(idle.map(({ socket }) => once(socket, 'close')));
    await eventually(async () => {
      const next = await dial();
      next.socket.write('GET /v1/occupancy HTTP/1.1\r\nhost: localhost\r\n\r\n');
      await eventually(() => expect(next.received()).toMatch(/^HTTP\/1\.1 \d/));
      expect(next.received()).toMatch(/^HTTP\/1\.1 200 OK/);
    });
    await closed;
    busy.socket.write(BODY);
    await eventually(() => expect(busy.received()).toMatch(/^HTTP\/1\.1 204/));
  });

  it('keeps a recently used connection, however many others are opened', async () => {
    await start({ http: { maxConnections: 3, timeouts: { ...TIMEOUTS, checkMs: 60_000 } } });
    const used = await dialIdle();
    for (let n = 0; n < 100; n += 1) await dial();
    used.socket.write(HEAD + BODY);
    await eventually(() => expect(used.received()).toMatch(/HTTP\/1\.1 204/));
  });

  it('keeps an idle connection open for the configured time, and announces that time', async () => {
    await start({ http: { keepAliveMs: 2_000 } });
    const { socket, received } = await dial();
    socket.write(LIVENESS);
    await once(socket, 'close');
    expect(received()).toMatch(/^HTTP\/1\.1 200 .*keep-alive: timeout=2\r\n/is);
  });

  it('disconnects 500 slow senders while callbacks are answered', async () => {
    await start({ http: { timeouts: { requestMs: 2_000, stalledWriteMs: 10_000, checkMs: 100 } } });
    const slow = await Promise.all(Array.from({ length: 500 }, dial));
    for (const [n, { socket }] of slow.entries()) socket.write(n % 2 ? HEAD + BODY.slice(0, 5) : HEAD.slice(0, 20));
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write(' ');
    }, 500);
    const closed = Promise.all(slow.map(({ socket }) => once(socket, 'close')));
    stopDrip = () => clearInterval(drip);
    let areCut = false;
    void closed.then(() => {
      areCut = true;
    });
    let answered = 0;
    for (; !areCut; answered += 1) {
      expect((await service.callback({ participantId: `p${answered}` })).status).toBe(204);
    }
    expect(answered).toBeGreaterThan(10);
    expect(slow.filter(({ received }) => received().startsWith('HTTP/1.1 408'))).toHaveLength(500);
  });

  it('sends security headers, and allows only configured origins', async () => {
    await start({});
    for (const path of ['/v1/occupancy', '/nowhere', '/docs']) {
      const { headers } = await service.request(path, { headers: { origin: 'https://app.example.com' } });
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('server')).toBeNull();
    }
    await service.stop();
    const [apiKey] = parseApiKeys(`ops:read:${'0'.repeat(64)}`);
    await start({ http: { corsOrigins: ['https://app.example.com'] }, access: { apiKeys: apiKey ? [apiKey] : [] } });
    expect((await service.request('/nowhere')).status).toBe(404);
    const preflight = (origin: string) =>
      service.request('/v1/occupancy', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
      });
    const allowed = await preflight('https://app.example.com');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect((await preflight('https://evil.example.com')).headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([
    ['uses the client address from a trusted proxy', ['127.0.0.0/8'], 401],
    ['ignores the client address from any other proxy', [], 429],
  ])('%s', async (_what, trustProxy, status) => {
    const [apiKey] = parseApiKeys(`ops:read:${'0'.repeat(64)}`);
    await start({ http: { trustProxy }, access: { apiKeys: apiKey ? [apiKey] : [] } });
    const fail = (from: string) => service.request('/v1/tags', { headers: { 'x-forwarded-for': from } });
    for (let n = 0; n < 31; n += 1) await fail(`203.0.113.1:${50_000 + n}`);
    expect((await fail('203.0.113.1')).status).toBe(429);
    expect((await fail('203.0.113.2')).status).toBe(status);
    for (let n = 0; n < 31; n += 1) await fail(`[2001:DB8::${n}]:443`);
    expect((await fail('2001:0db8:0:0:ffff::1')).status).toBe(429);
    expect((await fail('2001:db8:0:1::1')).status).toBe(status);
    for (let n = 0; n < 31; n += 1) await fail(`made up ${n}`);
    expect((await fail('anything')).status).toBe(429);
  });
});
