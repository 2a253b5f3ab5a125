// The signalling socket, spoken to by hand, and the webhooks that come of it.
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
  const refusal = async (...parameters: Parameters<typeof connect>) => {
    const error = await connect(...parameters).catch((thrown: Error) => thrown);
    return (error as Error).message;
  };
  const answer = async (client: WebSocket, message: string) => {
    client.send(message);
    const [text] = await once(client, 'message');
    return JSON.parse(String(text));
  };
  const told = () => receiver.received.map(({ body }) => JSON.parse(body));
  /** In whatever order they arrived. */
  const isTold = (...kinds: string[]) =>
    eventually(() => {
      const events = told().map(({ event }) => event as string);
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

  it('opens for a token, and tells so', async () => {
    const beforeMs = Date.now();
    await connect({ token, uniqueId: 'device-1' });
    await isTold('onConnect');
    const [{ timestamp, ...rest }] = told();
    expect(rest).toEqual({ event: 'onConnect', participantId, deviceId: 'device-1', tag: 'agent-17' });
    expect(timestamp).toMatch(/^\d{13}$/);
    expect(Number(timestamp)).toBeGreaterThanOrEqual(beforeMs);
  });

  it('refuses a wrong token, one of a participant who was deleted, a missing device and another path', async () => {
    const forged = `${token.slice(0, -4)}AAAA`;
    expect(await refusal({ token: forged, uniqueId: 'd' })).toContain('403');
    expect(await refusal({ token: 'x', uniqueId: 'd' })).toContain('403');
    expect(await refusal({ token })).toContain('400');
    expect(await refusal({ token, uniqueId: 'd' }, '/v2/')).toContain('404');
    await fetch(`${url}${API}/${participantId}`, { method: 'DELETE', headers: AUTHORIZATION });
    expect(await refusal({ token, uniqueId: 'd' })).toContain('403');
    expect(told()).toEqual([]);
  });

  it.each(['//[', '/%zz', 'http://[', '/v3/?token=%zz&uniqueId=d'])(
    'refuses the address %s, and goes on',
    async (path) => {
      const { port } = new URL(url);
      const socket = createConnection(Number(port), '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`);
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 4\d\d /);
      socket.destroy();
      await connect({ token, uniqueId: 'd' });
    },
  );

  it('answers calls, and not notifications', async () => {
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

  it('tells of a leave, and of the closing that comes with it, once each', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.send('{"jsonrpc":"2.0","method":"leave"}');
    client.send('{"jsonrpc":"2.0","method":"leave"}');
    client.close(1000);
    await isTold('onConnect', 'onLeave', 'onDisconnect');
  });

  it('closes the socket of who leaves and does not close it', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.send('{"jsonrpc":"2.0","method":"leave"}');
    expect((await once(client, 'close'))[0]).toBe(1000);
    await isTold('onConnect', 'onLeave', 'onDisconnect');
  });

  it('tells of a socket that breaks as a loss', async () => {
    (await connect({ token, uniqueId: 'd' })).terminate();
    await isTold('onConnect', 'onDisconnect');
  });

  it('notices who is silent', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.pause();
    await isTold('onConnect', 'onDisconnect');
  });

  it('tells of who is deleted as having left', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    const closed = once(client, 'close');
    await fetch(`${url}${API}/${participantId}`, { method: 'DELETE', headers: AUTHORIZATION });
    expect((await closed)[0]).toBe(1000);
    await isTold('onConnect', 'onLeave', 'onDisconnect');
  });

  it('holds several devices of a participant, and several sockets of a device', async () => {
    await connect({ token, uniqueId: 'd1' });
    const second = await connect({ token, uniqueId: 'd1' });
    await connect({ token, uniqueId: 'd2' });
    second.terminate();
    await isTold('onConnect', 'onConnect', 'onConnect', 'onDisconnect');
    expect(simulator.provider.socketsOf(participantId).map(({ deviceId }) => deviceId)).toEqual(['d1', 'd2']);
  });

  it('survives a message that is too large', async () => {
    const client = await connect({ token, uniqueId: 'd' });
    client.send('x'.repeat(300 * 1024));
    expect((await once(client, 'close'))[0]).toBe(1009);
    await isTold('onConnect', 'onDisconnect');
    await connect({ token, uniqueId: 'd' });
  });
});
