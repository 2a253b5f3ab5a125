// Requests that a web page can make a browser send to the simulator are rejected at every entry point, without side effects.
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Simulator } from '../../simulator/simulator.js';
import { PLAIN } from './settings.js';
import { startSimulator } from './start-simulator.js';

const AUTHORIZATION = `authorization: Basic ${btoa('any:any')}`;
const UPGRADE = ['upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='];

describe('the request guard', () => {
  let simulator: Simulator;
  let port: number;
  let signalling: string;

  beforeEach(async () => {
    const started = await startSimulator({ ...PLAIN, allowedHosts: ['simulator', 'dev.example.com'] });
    const { url } = started;
    simulator = started.simulator;
    port = Number(new URL(url).port);
    const response = await fetch(`${url}/control/participants`, { method: 'POST' });
    const { token } = (await response.json()) as { token: string };
    signalling = `/v3/?token=${token}&uniqueId=d`;
  });
  afterEach(() => simulator.close());

  /** Sends exactly these lines as a request. Resolves with the status and body of the response. */
  async function send(...lines: readonly string[]): Promise<{ status: number; body: string }> {
    const isUpgrade = lines.includes('upgrade: websocket');
    const socket = connect(port, '127.0.0.1');
    socket.write(`${lines.join('\r\n')}\r\nconnection: ${isUpgrade ? 'upgrade' : 'close'}\r\n\r\n`);
    // An accepted WebSocket stays open.
    const answer = isUpgrade ? String((await once(socket, 'data'))[0]) : await text(socket);
    socket.destroy();
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), body };
  }

  const entryPoints = (): Record<string, { readonly lines: readonly string[]; readonly status: number }> => ({
    page: { lines: ['GET / HTTP/1.1'], status: 200 },
    state: { lines: ['GET /control HTTP/1.1'], status: 200 },
    control: { lines: ['POST /control/participants HTTP/1.1', 'content-length: 0'], status: 201 },
    api: { lines: ['POST /v1/accounts/1/participants HTTP/1.1', AUTHORIZATION, 'content-length: 0'], status: 200 },
    'api without credentials': { lines: ['GET /v1/accounts/1/sessions/s HTTP/1.1'], status: 401 },
    'api without /v1': { lines: ['GET /accounts/1/participants/p HTTP/1.1', AUTHORIZATION], status: 404 },
    'another path': { lines: ['GET /nothing HTTP/1.1'], status: 404 },
    'a malformed path': { lines: ['GET /v1/accounts/%zz HTTP/1.1'], status: 400 },
    signalling: { lines: [`GET ${signalling} HTTP/1.1`, ...UPGRADE], status: 101 },
    'signalling without a token': { lines: ['GET /v3/ HTTP/1.1', ...UPGRADE], status: 403 },
  });
  /** Sends a request to each entry point with these additional lines. */
  const sendAll = async (...headers: readonly string[]) => {
    const answers = await Promise.all(
      Object.entries(entryPoints()).map(async ([name, { lines }]) => [name, await send(...lines, ...headers)] as const),
    );
    return Object.fromEntries(answers);
  };
  const changes = () => ({
    participants: [...simulator.provider.participants.all].length,
    webhooks: simulator.provider.log.newest.length,
  });

  it.each([
    'localhost',
    'LocalHost:80',
    'localhost.',
    'app.localhost:3001',
    '127.0.0.1:1',
    '192.168.1.5',
    '[::1]:3001',
    '[::ffff:127.0.0.1]',
    'simulator:3001',
    'Dev.Example.COM.',
  ])('accepts all requests for %s', async (host) => {
    const statuses = Object.entries(await sendAll(`host: ${host}`)).map(([name, { status }]) => [name, status]);
    expect(statuses).toEqual(Object.entries(entryPoints()).map(([name, { status }]) => [name, status]));
  });

  it.each([
    'evil.example',
    'evil.example:3001',
    'localhost.evil.example',
    'localhost.localdomain',
    'evil-localhost',
    '127.0.0.1.nip.io',
    'x.simulator',
    'example.com',
    'evil.dev.example.com',
    'host.docker.internal',
  ])('rejects the host %s with 403 and the option that allows it, without side effects', async (host) => {
    const before = changes();
    for (const answer of Object.values(await sendAll(`host: ${host}`))) {
      const body = expect.stringContaining(`--allowed-hosts ${host.replace(':3001', '')}`);
      expect(answer).toEqual({ status: 403, body });
    }
    expect(changes()).toEqual(before);
  });

  it.each([
    ['no Host', []],
    ['an empty Host', ['host:']],
    ['the same Host twice', ['host: localhost', 'host: localhost']],
    ['two different Hosts', ['host: localhost', 'Host: evil.example']],
    ['two hosts in one header', ['host: localhost, evil.example']],
    ['a host with a user', ['host: localhost@evil.example']],
    ['a host with a path', ['host: localhost/evil.example']],
    ['a host with a space', ['host: localhost evil.example']],
    ['a port that is not a number', ['host: localhost:evil']],
    ['a port out of range', ['host: localhost:65536']],
    ['an IPv6 address without brackets', ['host: ::1']],
    ['brackets around a name', ['host: [localhost]']],
    ['text after brackets', ['host: [::1].evil.example']],
    ['an address with five parts', ['host: 127.0.0.1.5']],
    ['a percent-encoded host', ['host: local%68ost']],
    ['a host that is not ASCII', ['host: localhöst']],
  ])('rejects %s with 400, without side effects', async (_, headers) => {
    const before = changes();
    for (const answer of Object.values(await sendAll(...headers))) {
      expect(answer).toEqual({ status: 400, body: expect.stringContaining('Host') });
    }
    expect(changes()).toEqual(before);
  });

  it('rejects HTTP/1.0 without a Host header, and an absolute request target', async () => {
    expect(await send('GET /control HTTP/1.0')).toMatchObject({ status: 400 });
    const absolute = await send('GET http://evil.example/control HTTP/1.1', 'host: localhost');
    expect(absolute).toEqual({ status: 400, body: expect.stringContaining('path') });
    const upgrade = await send(`GET http://evil.example${signalling} HTTP/1.1`, 'host: localhost', ...UPGRADE);
    expect(upgrade).toMatchObject({ status: 400 });
  });

  const CONTROL = ['POST /control/participants HTTP/1.1', 'content-length: 0'];
  const API = ['POST /v1/accounts/1/participants HTTP/1.1', AUTHORIZATION, 'content-length: 0'];
  const REMOVE = ['DELETE /control/participants/p HTTP/1.1'];

  it.each([
    ['another site', ['sec-fetch-site: cross-site']],
    ['another origin of the same site', ['sec-fetch-site: same-site', 'origin: http://localhost:8080']],
    ['another site, whatever its origin', ['sec-fetch-site: cross-site', 'origin: http://localhost']],
    ['two sites', ['sec-fetch-site: same-origin', 'sec-fetch-site: cross-site']],
    ['another origin', ['origin: https://evil.example']],
    ['another port', ['origin: http://localhost:8080']],
    ['no origin', ['origin: null']],
    ['two origins', ['origin: http://localhost', 'origin: https://evil.example']],
  ])('rejects state-changing requests from a page of %s', async (_, headers) => {
    const before = changes();
    for (const lines of [CONTROL, API, REMOVE]) {
      const answer = await send(...lines, 'host: localhost', ...headers);
      expect(answer).toEqual({ status: 403, body: expect.stringContaining('another origin') });
    }
    expect(changes()).toEqual(before);
  });

  it.each([
    ['its own page', ['sec-fetch-site: same-origin', 'origin: http://localhost']],
    ['its own page in an older browser', ['origin: http://localhost']],
    ['its own page behind a proxy with TLS', ['origin: https://localhost']],
    ['the address bar', ['sec-fetch-site: none']],
    ['a program', []],
  ])('accepts state-changing requests from %s', async (_, headers) => {
    const answers = [CONTROL, API, REMOVE].map((lines) => send(...lines, 'host: localhost', ...headers));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([201, 200, 404]);
  });

  it('lets a page of another origin use signalling with its token, but not read responses', async () => {
    const page = ['host: localhost', 'origin: https://app.example', 'sec-fetch-site: cross-site'];
    expect(await send(`GET ${signalling} HTTP/1.1`, ...UPGRADE, ...page)).toMatchObject({ status: 101 });
    const { headers } = await fetch(`http://127.0.0.1:${port}/control`, { headers: { origin: 'https://app.example' } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});
