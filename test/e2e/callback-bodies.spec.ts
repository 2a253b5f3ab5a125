// Receiving callbacks: split into any chunks, and within the in-flight limit.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '../eventually.js';
import { SEED, type Service, startService } from './service.js';

const SECRET = 'a-secret-of-32-characters-or-more-for-tests';

describe('a callback', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ access: { callbackSecrets: [SECRET] } });
  });
  afterAll(() => service.stop());

  it('may arrive in any chunks, and pipelined behind another one', async () => {
    const { port } = new URL(service.url);
    const request = (participantId: string, event: string) => {
      const body = JSON.stringify({ ...SEED, participantId, event });
      const head = `POST /callbacks/bandwidth/${SECRET} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
      return `${head}content-length: ${body.length}\r\n\r\n${body}`;
    };
    const text = request('in-pieces', 'onConnect') + request('in-pieces', 'nonsense') + request('in-pieces', 'onLeave');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 4 }), async (cuts) => {
        const socket = connect(Number(port), '127.0.0.1').setNoDelay();
        let answer = '';
        socket.on('data', (data) => {
          answer += String(data);
        });
        await once(socket, 'connect');
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        for (const [n, place] of places.slice(1).entries()) {
          socket.write(text.slice(places[n], place));
          await new Promise(setImmediate);
        }
        while (answer.split('HTTP/1.1').length < 4) await once(socket, 'data');
        socket.destroy();
        expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 202', 'HTTP/1.1 204']);
      }),
      { numRuns: 60 },
    );
    const { json } = await service.request('/v1/participants/in-pieces');
    expect(json).toMatchObject({ state: 'gone', cause: 'left' });
  });

  it('counts once against the in-flight limit, whatever the response', async () => {
    const own = await startService({ http: { maxInFlight: 1 } });
    for (const event of ['onConnect', 'nonsense', '', 'onLeave']) {
      await eventually(async () => expect((await own.callback({ event })).status).not.toBe(503));
    }
    const release = own.holdLoads();
    const held = own.callback();
    await eventually(async () => expect((await own.request('/v1/occupancy')).status).toBe(503));
    expect((await own.callback()).status).toBe(503);
    release();
    expect((await held).status).toBe(204);
    await eventually(async () => expect((await own.request('/v1/occupancy')).status).toBe(200));
    await own.stop();
  });

  it('with a wrong secret is rejected before its body is received', async () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    const head = 'host: localhost\r\ncontent-type: application/json\r\ncontent-length: 60000';
    socket.write(`POST /callbacks/bandwidth/wrong HTTP/1.1\r\n${head}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1.1 404 /);
    socket.destroy();
  });
});
