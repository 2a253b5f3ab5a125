import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BufferLimit } from '../../src/http/buffer-limit.js';
import { eventually } from '../eventually.js';

describe('BufferLimit', () => {
  let server: Server;
  let responses: ServerResponse[] = [];
  let sockets: Socket[] = [];
  let disconnected: ServerResponse[] = [];
  let limit: BufferLimit;
  beforeEach(async () => {
    responses = [];
    sockets = [];
    disconnected = [];
    limit = new BufferLimit((response) => {
      disconnected.push(response);
      response.req.socket.destroy();
    }, 1_000);
    server = createServer((_, response) => responses.push(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  async function open(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      sockets.push(socket);
      await eventually(() => expect(responses).toHaveLength(n + 1));
    }
  }
  const response = (n: number) => responses[n] as ServerResponse;

  it('releases the bytes of a response when it is sent or its connection breaks', async () => {
    await open(3);
    limit.add(response(0), 600);
    response(0).end('sent');
    await once(response(0), 'close');
    limit.add(response(1), 600);
    sockets[1]?.destroy();
    await once(response(1), 'close');
    limit.add(response(2), 1_000);
    expect(disconnected).toEqual([]);
  });

  it('disconnects as many of the oldest responses as needed when the limit is exceeded', async () => {
    await open(4);
    limit.add(response(1), 300);
    limit.add(response(0), 300);
    limit.add(response(2), 200);
    limit.add(response(1), 200);
    expect(disconnected).toEqual([]);
    limit.add(response(3), 700);
    expect(disconnected).toEqual([response(1), response(0)]);
    limit.add(response(1), 999);
    limit.add(response(3), 100);
    expect(disconnected).toHaveLength(2);
  });

  it('does not count short texts', async () => {
    await open(2);
    limit.addText(response(0), 'x'.repeat(16 * 1024));
    expect(disconnected).toEqual([]);
    limit.addText(response(0), 'x'.repeat(16 * 1024 + 1));
    expect(disconnected).toEqual([response(0)]);
  });
});
