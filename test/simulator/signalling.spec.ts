// The signalling socket, used with a plain WebSocket client, and the resulting webhooks.
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Simulator } from '../../simulator/simulator.js';
import { eventually } from '../eventually.js';
import { Receiver } from './receiver.js';
import { PLAIN } from './settings.js';
import { startSimulator } from './start-simulator.js';

const API = '/v1/accounts/9903498/participants';
const AUTHORIZATION = { authorization: `Basic ${btoa('user:password')}` };

describe('the signalling socket', () => {
  let simulator: Simulator;
  let url: string;
  let receiver: Receiver;
  let participantId: string;
  let token: string;
  const clients: WebSocket[] = [];

  const connect = async (query: Record<string, string>, path = '/v3/') => {
    const address = `${url.replace('http', 'ws')}${path}?${String(new URLSearchParams(query))}`;
    const client = new WebSocket(address);
    clients.push(client);
    await once(client, 'open');
    return client;
  };
  const failureOf = async (...parameters: Parameters<typeof connect>) => {
    const error = await connect(...parameters).catch((thrown: Error) => thrown);
    return (error as Error).message;
  };
  const answer = async (client: WebSocket, message: string) => {
    client.send(message);
    const [text] = await once(client, 'message');
    return JSON.parse(String(text));
  };
  const webhooks = () => receiver.received.map(({ body }) => JSON.parse(body));
  /** Waits for exactly these webhooks, in any order. */
  const expectWebhooks = (...kinds: string[]) =>
    eventually(() => {
      const events = webhooks().map(({ event }) => event as string);
      expect(new Set(events)).toEqual(new Set(kinds));
      expect(events).toHaveLength(kinds.length);
    });

  beforeEach(async () => {
    receiver = await Receiver.start();
    ({ simulator, url } = await startSimulator({ ...PLAIN, pingIntervalMs: 1_000 }));
    const response = await fetch(url + API, {
      method: 'POST',
      headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
      body: JSON.stringify({ callbackUrl: `http://${receiver.host}/hook`, tag: 'agent-17' }),
    });
    const created = (await response.json()) as { participant: { id: string }; token: string };
    participantId = created.participant.id;
    token = created.token;
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await simulator.close();
    receiver.stop();
  });

  it('accepts a valid token, and sends a webhook', async () => {
    const beforeMs = Date.now();
    await connect({ token, uniqueId: 'device-1' });
    await expectWebhooks('onConnect');
    const [{ timestamp, ...rest }] = webhooks();
    expect(rest).toEqual({ event: 'onConnect', participantId, deviceId: 'device-1', tag: 'agent-17' });
    expect(timestamp).toMatch(/^\d{13}$/);
    expect(Number(timestamp)).toBeGreaterThanOrEqual(beforeMs);
  });

  it('rejects an invalid token, the token of a deleted participant, a missing device and another path', async () => {
    const forged = `${token.slice(0, -4)}AAAA`;
    expect(await failureOf({ token: forged, uniqueId: 'd' })).toContain('403');
    expect(await failureOf({ token: 'x', uniqueId: 'd' })).toContain('403');
    expect(await failureOf({ token })).toContain('400');
    expect(await failureOf({ token, uniqueId: 'd' }, '/v2/')).toContain('404');
    await fetch(`${url}${API}/${participantId}`, { method: 'DELETE', headers: AUTHORIZATION });
    expect(await failureOf({ token, uniqueId: 'd' })).toContain('403');
    expect(webhooks()).toEqual([]);
  });

  it.each(['//[', '/%zz', 'http://[', '/v3/?token=%zz&uniqueId=d'])(
    'rejects the path %s, and keeps serving',
    async (path) => {
      const { port } = new URL(url);
      const socket = createConnection(Number(port), '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`);
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 4\d\d /);
      socket.destroy();
      await connect({ token, uniqueId: 'd' });
    },
  );

  it('answers calls but not notifications', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    const call = (method: string, id: number) =>
      answer(client, JSON.stringify({ jsonrpc: '2.0', method, id, params: {} }));
    expect(await call('setMediaPreferences', 1)).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    client.send(JSON.stringify({ jsonrpc: '2.0', method: 'deviceDiagnostics', params: {} }));
    expect(await call('ping', 2)).toEqual({ jsonrpc: '2.0', id: 2, result: {} });
    expect(await call('offerSdp', 3)).toMatchObject({ id: 3, result: { streamMetadata: {} } });
    expect(await call('dance', 4)).toMatchObject({ id: 4, error: { code: -32_601 } });
    expect(await answer(client, '{')).toMatchObject({ id: null, error: { code: -32_700 } });
    expect(await answer(client, '7')).toMatchObject({ id: null, error: { code: -32_600 } });
    expect(await call('ping', 5)).toMatchObject({ id: 5, result: {} });
  });

  it('reports a leave and the close that follows once each', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.send('{"jsonrpc":"2.0","method":"leave"}');
    client.send('{"jsonrpc":"2.0","method":"leave"}');
    client.close(1000);
    await expectWebhooks('onConnect', 'onLeave', 'onDisconnect');
  });

  it('closes the socket of a client that leaves without closing it', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.send('{"jsonrpc":"2.0","method":"leave"}');
    expect((await once(client, 'close'))[0]).toBe(1000);
    await expectWebhooks('onConnect', 'onLeave', 'onDisconnect');
  });

  it('reports a broken socket as a loss', async () => {
    (await connect({ token, uniqueId: 'd' })).terminate();
    await expectWebhooks('onConnect', 'onDisconnect');
  });

  it('detects a client that no longer answers', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.pause();
    await expectWebhooks('onConnect', 'onDisconnect');
  });

  it('reports a deleted participant as having left', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    const closed = once(client, 'close');
    await fetch(`${url}${API}/${participantId}`, { method: 'DELETE', headers: AUTHORIZATION });
    expect((await closed)[0]).toBe(1000);
    await expectWebhooks('onConnect', 'onLeave', 'onDisconnect');
  });

  it('supports several devices per participant, and several sockets per device', async () => {
    await connect({ token, uniqueId: 'd1' });
    const second = await connect({ token, uniqueId: 'd1' });
    await connect({ token, uniqueId: 'd2' });
    second.terminate();
    await expectWebhooks('onConnect', 'onConnect', 'onConnect', 'onDisconnect');
    expect(simulator.provider.socketsOf(participantId).map(({ deviceId }) => deviceId)).toEqual(['d1', 'd2']);
  });

  it('survives a message that is too large', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.send('x'.repeat(300 * 1024));
    expect((await once(client, 'close'))[0]).toBe(1009);
    await expectWebhooks('onConnect', 'onDisconnect');
    await connect({ token, uniqueId: 'd' });
  });
});
