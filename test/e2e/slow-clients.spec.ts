// Clients that do not read or do not send: their cost is bounded, and other clients are not affected.
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { mintToken } from '../../src/sources/authentication/callback-token.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { dialRaw, get, type RawConnection } from './raw-connection.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const ASSET = '/docs/swagger-ui-bundle.js';
const MIB = 1024 * 1024;
const SECRET = 'the-one-live-secret-of-at-least-32-characters';
const TIMEOUTS = { requestMs: 10_000, stalledWriteMs: 500, checkMs: 100 };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The memory in use inside and outside the heap; unsent responses are outside. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe.each(onEachStore())('the service on %s', (_, startOn) => {
  let service: Service;
  let accepted: Socket[] = [];
  let dialled: Socket[] = [];
  afterEach(async () => {
    for (const socket of dialled) socket.destroy();
    dialled = [];
    await service.stop();
  });

  async function start(options: ServiceOptions = {}): Promise<void> {
    service = await startOn({ ...options, http: { timeouts: TIMEOUTS, ...options.http } });
    accepted = [];
    service.app.getHttpServer().on('connection', (socket: Socket) => accepted.push(socket));
  }
  async function dial(text: string): Promise<RawConnection> {
    const client = await dialRaw(service.url, text);
    dialled.push(client.socket);
    return client;
  }
  /** Sends the text and reads nothing. */
  async function dialUnread(text: string): Promise<void> {
    const { socket } = await dial('');
    socket.pause();
    socket.write(text);
  }
  async function addParticipants(count: number): Promise<void> {
    for (let from = 0; from < count; from += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (__, n) =>
          service.callback({ participantId: `p${from + n}`, tag: 'x'.repeat(200) }),
        ),
      );
    }
  }
  const reasons = () => service.refusals.totals().map(({ reason }) => reason);
  const paths: Record<string, () => Promise<string>> = {
    'an asset of the documentation': async () => ASSET,
    'a list of 1,000 participants': async () => '/v1/participants?limit=1000',
    'a page of 1,000 changes': async () => {
      const { json } = await service.request('/v1/changes');
      await addParticipants(1_000);
      return `/v1/changes?after=${json.position}&limit=1000`;
    },
  };

  it.each(Object.keys(paths))(
    'disconnects a client that pipelines requests for %s and reads nothing, and buffers only one response',
    async (what) => {
      // The time that one poll may take to read the feed never passes, so every page is full, on a busy machine too.
      await start({ clock: new ManualClock(Date.now()) });
      if (what.includes('list')) await addParticipants(1_000);
      const path = (await paths[what]?.()) ?? '';
      expect((await service.request(path)).status).toBe(200);
      const before = memoryInUse();
      for (let n = 0; n < 8; n += 1) await dialUnread(get(path).repeat(30));
      let maxBytes = 0;
      let measuredAtMs = 0;
      await eventually(async () => {
        // Garbage collection takes as long as several responses.
        if (performance.now() - measuredAtMs > 200) {
          maxBytes = Math.max(maxBytes, memoryInUse() - before);
          measuredAtMs = performance.now();
        }
        expect((await service.callback()).status).toBe(204);
        expect(reasons()).toContain('response-not-read');
        expect(accepted.filter(({ destroyed }) => destroyed).length).toBeGreaterThanOrEqual(8);
      }, 110_000);
      expect(maxBytes).toBeLessThan(32 * MIB);
    },
  );

  it('immediately disconnects a client that pipelines more than 32 requests, for example 1,300', async () => {
    await start();
    expect((await service.request(ASSET)).status).toBe(200);
    for (const count of [1_300, 40]) await dialUnread(get(ASSET).repeat(count));
    await eventually(() => expect(accepted.filter(({ destroyed }) => destroyed)).toHaveLength(2));
    expect(service.refusals.totals()).toEqual([{ kind: 'connection', reason: 'too-many-pipelined', count: 2 }]);
  });

  it('answers pipelined requests one at a time and in order', async () => {
    await start();
    const body = JSON.stringify(SEED);
    const post = `POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const find = get(`/v1/participants/${SEED.participantId}`);
    const { received } = await dial(
      find + post + find + get('/nowhere') + find.replace('GET', 'HEAD') + get('/health/live'),
    );
    await eventually(() => expect(received().match(/HTTP\/1\.1 \d+/g)).toHaveLength(6));
    const statuses = received().match(/(?<=HTTP\/1\.1 )\d+/g);
    expect(statuses).toEqual(['404', '204', '200', '404', '200', '200']);
  });

  it('does not count pipelined requests that are still waiting against the in-flight limit', async () => {
    await start({ http: { maxInFlight: 1 } });
    const { json } = await service.request('/v1/changes');
    await dial(get(`/v1/changes?after=${json.position}&wait=20`) + get('/v1/occupancy').repeat(20));
    for (let n = 0; n < 5; n += 1) expect((await service.request('/v1/occupancy')).status).toBe(200);
  });

  it('does not count unread responses against the in-flight limit', async () => {
    await start({ http: { maxInFlight: 3, timeouts: { ...TIMEOUTS, stalledWriteMs: 60_000 } } });
    expect((await service.request(ASSET)).status).toBe(200);
    for (let n = 0; n < 6; n += 1) await dialUnread(get(ASSET).repeat(20));
    await eventually(() => expect(accepted.filter(({ writableLength }) => writableLength > 0)).toHaveLength(6));
    expect((await service.callback()).status).toBe(204);
    expect((await service.request('/v1/occupancy')).status).toBe(200);
  });

  it('does not disconnect a client that reads slowly', async () => {
    await start();
    const expected = (await service.request(ASSET)).text.length;
    const requests = 30;
    const { socket } = await dial('');
    let receivedBytes = 0;
    socket.on('data', ({ length }) => {
      receivedBytes += length;
      socket.pause();
    });
    socket.write(get(ASSET).repeat(requests));
    const reading = setInterval(() => socket.resume(), 10);
    const startMs = Date.now();
    await eventually(() => {
      expect(Date.now() - startMs).toBeGreaterThan(4 * TIMEOUTS.stalledWriteMs);
      expect(accepted.at(-1)?.writableLength).toBeGreaterThan(0);
    });
    clearInterval(reading);
    socket.removeAllListeners('data').on('data', ({ length }) => {
      receivedBytes += length;
    });
    socket.resume();
    await eventually(() => expect(receivedBytes).toBeGreaterThan(expected * requests));
    expect(service.refusals.totals()).toEqual([]);
  });

  it('disconnects a change stream that is not read', async () => {
    await start();
    const { json } = await service.request('/v1/changes');
    const stream = await dial(get(`/v1/changes/stream?after=${json.position}`));
    await eventually(() => expect(stream.received()).toContain('retry:'));
    // Corking stands in for filling the megabytes of socket buffers first.
    accepted.at(-1)?.cork();
    expect((await service.callback()).status).toBe(204);
    await eventually(() => expect(accepted.at(-2)?.destroyed || accepted.at(-1)?.destroyed).toBe(true));
    expect(reasons()).toEqual(['response-not-read']);
  });

  it('buffers 64 MiB of incomplete bodies, and disconnects the oldest clients beyond that', async () => {
    await start();
    const head =
      'POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 65536\r\n\r\n';
    const body = '['.repeat(65_000);
    for (let n = 0; n < 1_100; n += 1) await dial(head + body);
    await eventually(() => expect(reasons()).toContain('memory-limit'));
    await eventually(() => expect(accepted[0]?.destroyed).toBe(true));
    expect(reasons()).not.toContain('client-disconnected');
    expect(accepted.slice(-1_000).some(({ destroyed }) => destroyed)).toBe(false);
    expect((await service.callback()).status).toBe(204);
  });

  it('accepts callbacks while 50 callbacks through one minted URL wait for their bodies', async () => {
    await start({ access: { callbackSecrets: [SECRET] }, http: { maxInFlight: 10 } });
    const { token } = mintToken('bandwidth', SECRET, { expiresAtMs: Date.now() + 60_000, tag: undefined });
    const head = `POST /callbacks/bandwidth/${token} HTTP/1.1\r\nhost: localhost\r\n`;
    const types = ['application/json', 'application/json; charset=utf-8'];
    for (let n = 0; n < 50; n += 1) {
      const framing = n % 3 === 0 ? 'transfer-encoding: chunked' : 'content-length: 60000';
      await dial(`${head}content-type: ${types[n % 2]}\r\n${framing}\r\n\r\n${n % 3 === 1 ? '{"event"' : ''}`);
    }
    await eventually(() => expect(accepted.filter(({ bytesRead }) => bytesRead > 0)).toHaveLength(50));
    for (let n = 0; n < 5; n += 1) {
      expect((await service.post(`/callbacks/bandwidth/${SECRET}`, { ...SEED, participantId: `p${n}` })).status).toBe(
        204,
      );
    }
    expect(service.refusals.totals()).toEqual([]);
  });
});
