import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { SEED } from './service.js';
import { onEachStore } from './stores.js';

/** Opens a raw connection. `received` returns everything received so far. */
async function dial(url: string): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(socket, 'connect');
  return { socket, received: () => text };
}

describe.each(onEachStore())('the service on %s', (_, start) => {
  it('answers requests in flight when it stops, refuses new ones, and logs no error', async () => {
    const service = await start();
    const [early, late] = await Promise.all([dial(service.url), dial(service.url)]);
    const body = JSON.stringify(SEED);
    const head = `POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    early.socket.write(head);
    late.socket.write('GET /v1/occupancy HT');
    await service.callback();
    const stopped = service.stop();
    late.socket.write('TP/1.1\r\n\r\n');
    await eventually(() => expect(late.received()).toContain('urn:rollcall:problem:stopping'));
    expect(late.received()).toMatch(/^HTTP\/1\.1 503 .*connection: close.*content-type: application\/problem\+json/is);
    early.socket.write(body);
    await stopped;
    await eventually(() => expect(early.received()).toMatch(/^HTTP\/1\.1 204 .*connection: close/is));
    expect(service.logged).not.toContainEqual(expect.objectContaining({ level: 50 }));
  });

  it('answers the liveness probe while it stops', async () => {
    const service = await start();
    const [slow, probe] = await Promise.all([dial(service.url), dial(service.url)]);
    const body = JSON.stringify(SEED);
    slow.socket.write(
      `POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    probe.socket.write('GET /health/live HT');
    await service.callback();
    const stopped = service.stop();
    probe.socket.write('TP/1.1\r\n\r\n');
    await eventually(() => expect(probe.received()).toMatch(/^HTTP\/1\.1 200 .*connection: close/is));
    slow.socket.write(body);
    await stopped;
    await eventually(() => expect(slow.received()).toMatch(/^HTTP\/1\.1 204 /));
  });

  it('does not wait for idle connections when it stops', async () => {
    const service = await start();
    const silent = await dial(service.url);
    await service.callback();
    const closed = once(silent.socket, 'close');
    await service.stop();
    await closed;
    expect(silent.received()).toBe('');
  });

  it('answers malformed HTTP with problem details', async () => {
    const service = await start();
    const cases: [string, number][] = [
      ['nonsense\r\n\r\n', 400],
      ['GET /health/live HTTP/1.1\r\nhost: localhost\r\nexpect: miracles\r\n\r\n', 417],
      [`GET /health/live HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
      ['GET /health/live?a=%zz HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
      ['GET /v1/participants/%zz HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
      [
        'POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: ;;;\r\ncontent-length: 2\r\n\r\n{}',
        415,
      ],
    ];
    for (const [request, status] of cases) {
      const { socket, received } = await dial(service.url);
      socket.write(request);
      await eventually(() => expect(received()).toContain('"instance":"urn:rollcall:request:'));
      expect([request.slice(0, 40), received().slice(0, 12)]).toEqual([request.slice(0, 40), `HTTP/1.1 ${status}`]);
      expect(received()).toContain('application/problem+json');
      socket.destroy();
    }
    await service.stop();
  });
});
