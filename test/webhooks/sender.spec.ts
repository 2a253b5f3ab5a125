// One request to an endpoint, over real connections. Names are resolved by the test.
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AddressGuard } from '../../src/webhooks/sending/address-guard.js';
import type { Resolve } from '../../src/webhooks/sending/resolver.js';
import { Sender } from '../../src/webhooks/sending/sender.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';

const own = { publicUrl: undefined, port: () => 1, addresses: () => [] };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(handle: (...args: Parameters<RequestListener>) => unknown): Promise<number> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    closeOnce(() => {
      server.closeAllConnections();
      server.close();
    }),
  );
  return (server.address() as AddressInfo).port;
}

function sender(resolve: Resolve, { allowed = ['127.0.0.1'], timeoutMs = 60_000 } = {}): Sender {
  const guard = new AddressGuard({ isHttpAllowed: true, allowedNetworks: allowed, own });
  const made = new Sender(guard, resolve, timeoutMs);
  closing.push(closeOnce(() => made.close()));
  return made;
}

const toLoopback: Resolve = async () => ['127.0.0.1'];
const never = new AbortController().signal;
const post = (made: Sender, url: string, signal = never) =>
  made.send({ url, headers: { 'x-a': 'b' }, body: '{"a":1}', signal });

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe('the sender', () => {
  it('sends a request and returns the answer', async () => {
    let received: unknown;
    const port = await listen(async (request, response) => {
      received = [request.method, request.url, request.headers.host, request.headers['x-a'], await bodyOf(request)];
      response.writeHead(202, { 'retry-after': '7' }).end('thanks – ½');
    });
    const answer = await post(sender(toLoopback), `http://backend.test:${port}/presence`);
    expect(answer).toEqual({ status: 202, body: 'thanks – ½', retryAfterMs: 7_000 });
    expect(received).toEqual(['POST', '/presence', `backend.test:${port}`, 'b', '{"a":1}']);
  });

  it('connects to the very address that was checked, although the name has another one by then', async () => {
    const port = await listen((_, response) => void response.end('secrets of this machine'));
    const answers = [['93.184.216.34'], ['127.0.0.1']];
    let lookups = 0;
    const rebinding: Resolve = async () => answers[Math.min(lookups++, 1)] ?? [];
    const made = sender(rebinding, { allowed: [] });
    // Registration: the first look-up has a public address.
    expect(await made.urlFault(`http://rebind.test:${port}`)).toBeUndefined();
    // Delivery: the next one does not.
    expect(await post(made, `http://rebind.test:${port}`)).toEqual({
      error: expect.stringContaining('must not have a private or reserved address'),
    });
    expect(lookups).toBe(2);
  });

  it('looks a name up once for each connection, and keeps connections', async () => {
    const sockets = new Set<unknown>();
    const port = await listen(({ socket }, response) => {
      sockets.add(socket);
      response.end();
    });
    let lookups = 0;
    const made = sender(async () => {
      lookups += 1;
      return ['127.0.0.1'];
    });
    for (let n = 0; n < 10; n += 1) {
      expect(await post(made, `http://backend.test:${port}`)).toMatchObject({ status: 200 });
    }
    expect(lookups).toBe(sockets.size);
    expect(lookups).toBeLessThan(10);
  });

  it('refuses a name of which one address is not allowed', async () => {
    const made = sender(async () => ['93.184.216.34', '10.0.0.1'], { allowed: [] });
    expect(await made.urlFault('https://backend.test')).toMatch(/private or reserved/);
    expect(await post(made, 'https://backend.test')).toEqual({ error: expect.stringContaining('private or reserved') });
  });

  it('refuses an address in the URL that was allowed before', async () => {
    const port = await listen((_, response) => void response.end());
    expect(await post(sender(toLoopback, { allowed: [] }), `http://127.0.0.1:${port}`)).toEqual({
      error: expect.stringContaining('private or reserved'),
    });
  });

  it('says when a name cannot be resolved', async () => {
    const made = sender(async () => {
      throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    });
    expect(await made.urlFault('https://nowhere.test')).toMatch(/cannot be|can be resolved/);
    expect(await post(made, 'https://nowhere.test')).toEqual({ error: 'ENOTFOUND' });
  });

  it('does not follow redirects', async () => {
    const paths: unknown[] = [];
    const port = await listen((request, response) => {
      paths.push(request.url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await post(sender(toLoopback), `http://backend.test:${port}/first`)).toMatchObject({ status: 307 });
    expect(paths).toEqual(['/first']);
  });

  it('keeps the first KiB of an answer, and stops reading after 16', async () => {
    let isClosed = false;
    const port = await listen((request, response) => {
      request.socket.on('close', () => {
        isClosed = true;
      });
      const more = () => {
        if (!response.destroyed) response.write('x'.repeat(1_024), () => setImmediate(more));
      };
      more();
    });
    const answer = await post(sender(toLoopback), `http://backend.test:${port}`);
    expect(answer).toEqual({ status: 200, body: 'x'.repeat(1_024) });
    await eventually(() => expect(isClosed).toBe(true));
  });

  it('gives up on a receiver that does not answer, or not to the end', async () => {
    const silent = await listen(() => {});
    const slow = await listen((_, response) => void response.write('so far'));
    const made = sender(toLoopback, { timeoutMs: 100 });
    for (const port of [silent, slow]) {
      expect(await post(made, `http://backend.test:${port}`)).toEqual({ error: 'no answer within 0.1 s' });
    }
  });

  it('tells why there is no answer', async () => {
    const server = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(closeOnce(() => void server.close()));
    const { port } = server.address() as AddressInfo;
    expect(await post(sender(toLoopback), `http://backend.test:${port}`)).toEqual({
      error: expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET/),
    });
    server.close();
    await eventually(async () =>
      expect(await post(sender(toLoopback), `http://backend.test:${port}`)).toEqual({ error: 'ECONNREFUSED' }),
    );
  });

  it('can be interrupted', async () => {
    const stop = new AbortController();
    const port = await listen(() => stop.abort());
    expect(await post(sender(toLoopback), `http://backend.test:${port}`, stop.signal)).toEqual({
      error: 'interrupted',
    });
    expect(await post(sender(toLoopback), `http://backend.test:${port}`, stop.signal)).toEqual({
      error: 'interrupted',
    });
  });
});
