// The exact webhooks that the simulator sends, and how it handles responses.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CallbackClient, maxSendMs } from '../../simulator/webhooks/callback-client.js';
import { CallbackHosts } from '../../simulator/webhooks/callback-hosts.js';
import { webhookBody } from '../../simulator/webhooks/signalling-event.js';
import { SEED, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { Receiver } from './receiver.js';
import { ONE_ATTEMPT } from './settings.js';
import { VirtualClock } from './virtual-clock.js';

const CHALLENGE = { status: 401, headers: { 'www-authenticate': 'Basic realm="callbacks"' } };
const SECRET = 'a-secret-of-at-least-32-characters';

describe('a webhook', () => {
  const seed = {
    kind: 'onLeave',
    participantId: '473f6544-92f7-4d67-9e77-bf2533cfff6d',
    deviceId: 'be199214-1a03-402a-a7b6-d002470a0465',
    atMs: 1628786234676,
    socket: 1,
  } as const;

  it('matches the documentation of the provider: https://dev.bandwidth.com/docs/webrtc/webhooks', () => {
    expect(webhookBody({ ...seed, tag: 'hello-world-phone' }, seed.atMs)).toBe(
      '{"event":"onLeave","timestamp":"1628786234676","participantId":"473f6544-92f7-4d67-9e77-bf2533cfff6d",' +
        '"deviceId":"be199214-1a03-402a-a7b6-d002470a0465","tag":"hello-world-phone"}',
    );
  });

  it.each([undefined, ''])('has no tag member for the tag %p', (tag) => {
    expect(JSON.parse(webhookBody({ ...seed, tag }, seed.atMs))).not.toHaveProperty('tag');
  });
});

const LOOPBACK_ONLY = new CallbackHosts([]);
const connectionsOf = (server: Server) => new Promise((resolve) => server.getConnections((_, count) => resolve(count)));

describe('the callback client', () => {
  const open: { stop(): void }[] = [];
  const receiver = async (...parameters: Parameters<typeof Receiver.start>) => {
    const started = await Receiver.start(...parameters);
    open.push(started);
    return started;
  };
  const client = (retry = ONE_ATTEMPT, hosts = LOOPBACK_ONLY) => {
    const made = new CallbackClient({ retry, connections: 4, hosts });
    open.push({ stop: () => void made.close() });
    return made;
  };
  afterEach(() => {
    for (const one of open.splice(0)) one.stop();
  });

  it('posts JSON to the path, including its token', async () => {
    const { host, received } = await receiver();
    const answer = await client().send(`http://${host}/callbacks/bandwidth/${SECRET}?x=1`, '{"event":"onConnect"}');
    expect(answer).toMatchObject({ status: 204, attempts: 1 });
    expect(received).toMatchObject([{ path: `/callbacks/bandwidth/${SECRET}?x=1`, body: '{"event":"onConnect"}' }]);
    expect(received[0]?.headers).toMatchObject({ 'content-type': 'application/json' });
  });

  it('sends credentials only after a challenge, each time', async () => {
    const { host, received } = await receiver(({ headers }) => (headers.authorization ? { status: 204 } : CHALLENGE));
    const one = client();
    for (let n = 0; n < 2; n += 1) {
      expect(await one.send(`http://roll%40call:${SECRET}@${host}/`, '{}')).toMatchObject({ status: 204, attempts: 1 });
    }
    const credentials = `Basic ${btoa(`roll@call:${SECRET}`)}`;
    expect(received.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      credentials,
      undefined,
      credentials,
    ]);
    expect(received.map(({ headers }) => headers.host)).toEqual([host, host, host, host]);
  });

  it('gives up after a 401 without a challenge, or if it has no credentials', async () => {
    const unchallenged = await receiver(() => ({ status: 401 }));
    expect(await client().send(`http://user:${SECRET}@${unchallenged.host}/`, '{}')).toMatchObject({ status: 401 });
    const challenging = await receiver(() => CHALLENGE);
    expect(await client().send(`http://${challenging.host}/`, '{}')).toMatchObject({ status: 401 });
    expect([unchallenged.received.length, challenging.received.length]).toEqual([1, 1]);
  });

  it('is accepted by Rollcall with a secret in the path or as a password, but not without one', async () => {
    const service = await startService({ access: { callbackSecrets: [SECRET] } });
    const address = (userinfo: string, path = '') =>
      `${service.url.replace('//', `//${userinfo}`)}/callbacks/bandwidth${path}`;
    const statusOf = async (url: string) => (await client().send(url, JSON.stringify(SEED))).status;
    expect(await statusOf(address('', `/${SECRET}`))).toBe(204);
    expect(await statusOf(address(`rollcall:${SECRET}@`))).toBe(204);
    expect(await statusOf(address('rollcall:wrong@'))).toBe(404);
    expect(await statusOf(address(''))).toBe(401);
    await service.stop();
  });

  it('sends once, or up to the configured number of attempts', async () => {
    const busy = await receiver(() => ({ status: 503 }));
    expect(await client().send(`http://${busy.host}/`, '{}')).toMatchObject({ status: 503, attempts: 1 });
    let count = 0;
    const flaky = await receiver(() => ({ status: ++count < 3 ? 500 : 200 }));
    const patient = client({ attempts: 5, backoffMs: 1, timeoutMs: 1_000 });
    expect(await patient.send(`http://${flaky.host}/`, '{}')).toMatchObject({ status: 200, attempts: 3 });
    expect(count).toBe(3);
  });

  it('never exceeds the maximum time for all attempts, however many there are', async () => {
    const busy = await receiver(() => ({ status: 503 }));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.nat(600_000), async (attempts, backoffMs) => {
        const clock = new VirtualClock();
        const policy = { attempts, backoffMs, timeoutMs: 10_000 };
        const one = new CallbackClient({ retry: policy, connections: 1, hosts: LOOPBACK_ONLY }, clock);
        const startMs = clock.now();
        expect(await clock.run(one.send(`http://${busy.host}/`, '{}'))).toMatchObject({ status: 503, attempts });
        expect(clock.now() - startMs).toBeLessThanOrEqual(maxSendMs(policy));
        await one.close();
      }),
      { numRuns: 30 },
    );
  });

  it('makes no more attempts after giveUp()', async () => {
    const one = client({ attempts: 20, backoffMs: 600_000, timeoutMs: 1_000 });
    const busy = await receiver(() => {
      setImmediate(() => one.giveUp());
      return { status: 503 };
    });
    expect(await one.send(`http://${busy.host}/`, '{}')).toMatchObject({ status: 503, attempts: 1 });
    expect(busy.received).toHaveLength(1);
  });

  it('times out when a response does not end', async () => {
    const server = createServer((_, response) => {
      const drip = setInterval(() => response.write('x'), 5);
      response.once('close', () => clearInterval(drip));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ stop: () => server.close() });
    const impatient = client({ attempts: 1, backoffMs: 1, timeoutMs: 100 });
    const { port } = server.address() as AddressInfo;
    await impatient.send(`http://127.0.0.1:${port}/`, '{}');
    // The client has closed the connection.
    await eventually(() => expect(connectionsOf(server)).resolves.toBe(0));
  });

  it('sends nothing to a host that is not allowed', async () => {
    const { host, received } = await receiver();
    // On Linux this address reaches loopback, so only the client prevents the webhook from arriving.
    const url = `http://${host.replace('127.0.0.1', '0.0.0.0')}/`;
    const patient = { attempts: 20, backoffMs: 600_000, timeoutMs: 1_000 };
    expect(await client(patient).send(url, '{}')).toEqual({ status: 'host not allowed', attempts: 0, elapsedMs: 0 });
    expect(await client(patient, CallbackHosts.of([url])).send(url, '{}')).toMatchObject({ status: 204 });
    expect(received).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])('does not follow redirects with status %d', async (status) => {
    const target = await receiver();
    const location = `http://${target.host}/`;
    const redirecting = await receiver(() => ({ status, headers: { location } }));
    expect(await client().send(`http://${redirecting.host}/`, '{}')).toMatchObject({ status, attempts: 1 });
    expect(target.received).toEqual([]);
  });

  it('reports why there is no response', async () => {
    const unanswered = await receiver(() => undefined);
    const impatient = client({ attempts: 1, backoffMs: 1, timeoutMs: 50 });
    expect((await impatient.send(`http://${unanswered.host}/`, '{}')).status).toBe('timeout');
    const gone = await receiver();
    const { host } = gone;
    gone.stop();
    expect((await client().send(`http://${host}/`, '{}')).status).toBe('ECONNREFUSED');
  });
});
