// After a rejected request, hardly any of its body is read, and its connection is closed.
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { dialRaw, get } from './raw-connection.js';
import { SEED, type Service, startService } from './service.js';

const SECRET = 'the-one-live-secret-of-at-least-32-characters';
const JSON_TYPE = 'content-type: application/json\r\n';
const CHUNK = 'x'.repeat(16_384);
const CHUNKED = `${CHUNK.length.toString(16)}\r\n${CHUNK}\r\n`;
/** The maximum size of one socket read, which may exceed the limit by that much. */
const ONE_READ = 65_536;

const BODIES: [string, string, string][] = [
  ['a Content-Length', 'content-length: 99999999999\r\n', CHUNK],
  ['chunks', 'transfer-encoding: chunked\r\n', CHUNKED],
];
const REFUSED: [number, string, string][] = [
  [404, 'POST /callbacks/bandwidth/wrong', JSON_TYPE],
  [404, 'POST /callbacks/%zz', JSON_TYPE],
  [404, 'POST /nowhere', JSON_TYPE],
  [404, 'GET /nowhere', 'connection: upgrade\r\nupgrade: websocket\r\n'],
  [401, 'POST /callbacks/bandwidth', JSON_TYPE],
  [405, 'DELETE /v1/tags', ''],
  [413, `POST /callbacks/bandwidth/${SECRET}`, JSON_TYPE],
  [415, `POST /callbacks/bandwidth/${SECRET}`, 'content-type: text/plain\r\n'],
  [417, `POST /callbacks/bandwidth/${SECRET}`, `${JSON_TYPE}expect: miracles\r\n`],
  [200, 'GET /v1/tags', ''],
];
const UNREADABLE: [number, string][] = [
  [400, 'nonsense\r\n\r\n'],
  [405, 'CONNECT a:1 HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  [431, `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n`],
];

describe('a rejected request', () => {
  let service: Service;
  let accepted: Socket[] = [];
  let dialled: Socket[] = [];
  beforeEach(async () => {
    service = await startService({
      access: { callbackSecrets: [SECRET] },
      http: { timeouts: { requestMs: 300, stalledWriteMs: 10_000, checkMs: 100 } },
    });
    accepted = [];
    service.app.getHttpServer().on('connection', (socket: Socket) => accepted.push(socket));
  });
  afterEach(async () => {
    for (const socket of dialled) socket.destroy();
    dialled = [];
    await service.stop();
  });

  async function dial(text: string) {
    const client = await dialRaw(service.url, text);
    dialled.push(client.socket);
    return client;
  }

  /** Sends forever, as fast as possible. */
  function pour(socket: Socket, text: string): void {
    while (!socket.destroyed && socket.write(text));
    socket.once('drain', () => pour(socket, text));
  }

  async function expectClosed(status: number, head: string, rest: string): Promise<void> {
    const { socket, received } = await dial(head);
    pour(socket, rest);
    await eventually(() =>
      expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\r\nconnection: close\r\n`, 'is')),
    );
    await eventually(() => expect(accepted[0]?.destroyed).toBe(true));
    // Up to 64 KiB of a body may have been read already if the request is rejected only while it is being read.
    expect(accepted[0]?.bytesRead).toBeLessThan(4 * ONE_READ + 25_000);
    expect(received().match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  }

  describe.each(BODIES)('with %s', (_, framing, rest) => {
    it.each(REFUSED)('has its connection closed after %i to %s', (status, line, headers) =>
      expectClosed(status, `${line} HTTP/1.1\r\nhost: localhost\r\n${framing}${headers}\r\n`, rest),
    );
  });

  it.each(UNREADABLE)('has its connection closed after %i to malformed HTTP', (status, head) =>
    expectClosed(status, head, CHUNK),
  );

  it.each([...UNREADABLE, [408, ''], [408, 'GET / HT'], [404, 'POST /x HTTP/1.1\r\ncontent-length: 9\r\n\r\n']])(
    'has its connection closed after %i even if the client sends nothing more and stays connected',
    async (status, head) => {
      const { received } = await dial(String(head));
      await eventually(() => expect(accepted[0]?.destroyed).toBe(true));
      expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    },
  );

  it.each([
    ['body', 'content-length: 1000\r\n\r\n', ' '],
    ['chunks', 'transfer-encoding: chunked\r\n\r\n', '1\r\n \r\n'],
    ['trailers', 'transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n', 'a: b\r\n'],
    ['headers', '', 'a: b\r\n'],
  ])('times out when the client sends slow %s', async (_, head, drip) => {
    const { socket, received } = await dial(`POST /callbacks/bandwidth/${SECRET} HTTP/1.1\r\n${JSON_TYPE}${head}`);
    const timer = setInterval(() => socket.write(drip), 20);
    await eventually(() => expect(accepted[0]?.destroyed).toBe(true));
    clearInterval(timer);
    expect(received()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('keeps its connection if its body has already arrived', async () => {
    const body = JSON.stringify(SEED);
    const post = (path: string) =>
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}content-length: ${body.length}\r\n\r\n${body}`;
    const { socket, received } = await dial(post('/callbacks/bandwidth'));
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 401 /));
    socket.write(post('/callbacks/bandwidth/wrong'));
    await eventually(() => expect(received()).toMatch(/HTTP\/1\.1 404 /));
    socket.write(post(`/callbacks/bandwidth/${SECRET}`));
    await eventually(() => expect(received()).toMatch(/HTTP\/1\.1 204 /));
  });

  it('is not answered in the middle of the response to an earlier request', async () => {
    const { json } = await service.request('/v1/changes');
    expect(accepted).toHaveLength(1);
    for (const bad of ['nonsense\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nhost: localhost\r\n\r\n']) {
      const { received } = await dial(get(`/v1/changes?after=${json.position}&wait=20`) + bad);
      await eventually(() => expect(accepted.at(-1)?.destroyed).toBe(true));
      expect(received()).toBe('');
    }
    expect(service.refusals.totals().map(({ reason }) => reason)).toEqual(['malformed-http', 'method-not-allowed']);
  });

  it('may be followed by a connection reset from the client', async () => {
    for (const [, head] of UNREADABLE) {
      const { socket, received } = await dial(head);
      await eventually(() => expect(received()).not.toBe(''));
      socket.resetAndDestroy();
    }
    await eventually(() => expect(accepted.every(({ destroyed }) => destroyed)).toBe(true));
    expect((await service.request('/health/live')).status).toBe(200);
  });
});
