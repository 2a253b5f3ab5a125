// Every refusal, by whatever layer, is visible to the operator: it is counted and logged.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { mintToken } from '../../src/sources/authentication/callback-token.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { SEED, type Service, type ServiceOptions, startService } from './service.js';

const NOW_MS = Date.parse('2026-11-23T12:00:00Z');
const MINUTE_MS = 60_000;
const SECRET = 'the-one-live-secret-of-at-least-32-characters';
const RETIRED = 'a-secret-that-was-taken-out-of-the-settings';
const KEYS = { reader: 'key-of-the-reader', minter: 'key-of-the-minter' };
const apiKeys = parseApiKeys(
  Object.entries(KEYS)
    .map(([name, key]) => `${name}:${name === 'reader' ? 'read' : 'admin'}:${digestOf(key).toString('hex')}`)
    .join(),
);
const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const json = { 'content-type': 'application/json' };
const BODY = JSON.stringify(SEED);
const token = (expiresAtMs: number, secret = SECRET, source = 'bandwidth') =>
  mintToken(source, secret, { expiresAtMs, tag: undefined });

interface Case {
  readonly reason: string;
  readonly status: number;
  readonly path: string;
  readonly init?: RequestInit;
  /** undefined: the source is not known. */
  readonly source?: string | undefined;
  /** Further members of the log line. */
  readonly line?: Record<string, unknown>;
}

const post = (path: string, body: string = BODY, headers: Record<string, string> = json) => ({
  path,
  init: { method: 'POST', headers, body },
});
const expired = token(NOW_MS - 1_000);

const CALLBACKS: Case[] = [
  { reason: 'no-credentials', status: 401, ...post('/callbacks/bandwidth') },
  {
    reason: 'malformed-credentials',
    status: 404,
    ...post('/callbacks/bandwidth', BODY, { ...json, ...bearer(SECRET) }),
  },
  {
    reason: 'wrong-secret',
    status: 404,
    ...post('/callbacks/bandwidth', BODY, { ...json, authorization: basic('no') }),
  },
  {
    reason: 'wrong-secret',
    status: 404,
    ...post(`/callbacks/bandwidth/${SECRET}x`),
    line: { route: '/callbacks/bandwidth/:token' },
  },
  {
    reason: 'expired-token',
    status: 404,
    ...post(`/callbacks/bandwidth/${expired.token}`),
    line: { ref: expired.ref },
  },
  {
    reason: 'unknown-token-key',
    status: 404,
    ...post(`/callbacks/bandwidth/${token(NOW_MS + MINUTE_MS, RETIRED).token}`),
  },
  {
    reason: 'wrong-token-signature',
    status: 404,
    ...post(`/callbacks/bandwidth/${token(NOW_MS + MINUTE_MS, SECRET, 'livekit').token}`),
  },
  { reason: 'malformed-token', status: 404, ...post('/callbacks/bandwidth/a.b.c') },
  { reason: 'unknown-path', status: 404, ...post('/callbacks/bandwidth/') },
  {
    reason: 'unknown-path',
    status: 404,
    ...post(`/callbacks/bandwidth/${SECRET}/`),
    line: { path: '/callbacks/bandwidth/…/' },
  },
  {
    reason: 'unknown-path',
    status: 404,
    ...post(`/callbacks/bandwith/${SECRET}`),
    line: { path: '/callbacks/bandwith/…' },
    source: undefined,
  },
  {
    reason: 'unknown-path',
    status: 404,
    ...post(`/callback/bandwith/${SECRET}`),
    line: { path: '/callback/…/…' },
    source: undefined,
  },
  { reason: 'unknown-path', status: 404, ...post('/'), line: { path: '/' }, source: undefined },
  {
    reason: 'unknown-path',
    status: 404,
    ...post(`/callback/bandwidth/${SECRET}`),
    line: { path: '/callback/bandwidth/…' },
  },
  { reason: 'malformed-url', status: 404, ...post(`/callbacks/bandwidth/%zz${SECRET}`) },
  { reason: 'malformed-body', status: 400, ...post(`/callbacks/bandwidth/${SECRET}`, '{') },
  {
    reason: 'invalid-fields',
    status: 400,
    ...post(`/callbacks/bandwidth/${SECRET}`, JSON.stringify({ ...SEED, timestamp: SECRET })),
    line: { errors: [{ pointer: '#/timestamp', message: expect.stringContaining('epoch milliseconds') }] },
  },
  {
    reason: 'unsupported-media-type',
    status: 415,
    ...post(`/callbacks/bandwidth/${SECRET}`, SECRET, { 'content-type': 'text/plain' }),
  },
  { reason: 'payload-too-large', status: 413, ...post(`/callbacks/bandwidth/${SECRET}`, 'x'.repeat(70_000)) },
  { reason: 'method-not-allowed', status: 405, path: `/callbacks/bandwidth/${SECRET}` },
];

const REQUESTS: (Case & { level: number })[] = [
  { reason: 'no-credentials', status: 401, path: '/v1/tags', level: 40 },
  { reason: 'wrong-key', status: 401, path: '/v1/tags', init: { headers: bearer(SECRET) }, level: 40 },
  {
    reason: 'forbidden',
    status: 403,
    path: '/v1/participants/alice',
    init: { headers: bearer(KEYS.minter) },
    level: 40,
    line: { key: 'minter', route: '/v1/participants/:participantId' },
  },
  {
    reason: 'unknown-participant',
    status: 404,
    path: '/v1/participants/alice',
    init: { headers: bearer(KEYS.reader) },
    level: 30,
    line: { key: 'reader' },
  },
  {
    reason: 'unknown-path',
    status: 404,
    path: `/v1/participant/${SECRET}`,
    level: 30,
    line: { path: '/v1/participant/…' },
  },
  {
    reason: 'invalid-request',
    status: 400,
    path: `/v1/tags?${SECRET}=${SECRET}`,
    init: { headers: bearer(KEYS.reader) },
    level: 30,
  },
  { reason: 'malformed-url', status: 400, path: `/v1/participants/%zz${SECRET}`, level: 30 },
  {
    reason: 'method-not-allowed',
    status: 405,
    path: '/v1/tags',
    init: { method: 'DELETE', headers: bearer(KEYS.reader) },
    level: 30,
  },
];

describe('a refusal', () => {
  let service: Service;
  let clock: ManualClock;
  let sockets: Socket[] = [];
  let before = 0;
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await service.stop();
  });

  async function start(options: ServiceOptions = {}): Promise<void> {
    clock = new ManualClock(NOW_MS);
    service = await startService({ clock, access: { apiKeys, callbackSecrets: [SECRET] }, ...options });
    before = service.logged.length;
  }
  const lines = () => service.logged.slice(before);
  const lineOf = (instance: string) =>
    lines().find(({ requestId }) => `urn:rollcall:request:${String(requestId)}` === instance);
  const countOf = (reason: string) => service.refusals.totals().find((total) => total.reason === reason)?.count;

  /** Sends the text on a separate connection. `received` returns the response so far. */
  async function dial(text: string): Promise<{ socket: Socket; received: () => string }> {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    sockets.push(socket);
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(text);
    return { socket, received: () => received };
  }
  const instanceIn = (text: string) => /"instance":"([^"]+)"/.exec(text)?.[1] ?? '';

  it.each(CALLBACKS)('of a callback ($reason) is logged as a warning with the request id', async (refused) => {
    await start();
    const answer = await service.request(refused.path, refused.init);
    expect(answer.status).toBe(refused.status);
    expect(lines()).toHaveLength(1);
    expect(lineOf(answer.json.instance)).toMatchObject({
      level: 40,
      msg: 'callback refused',
      reason: refused.reason,
      status: refused.status,
      method: refused.init?.method ?? 'GET',
      client: '127.0.0.1',
      ...('source' in refused ? {} : { source: 'bandwidth' }),
      ...refused.line,
      count: 1,
    });
    expect(service.refusals.totals()).toEqual([{ kind: 'callback', reason: refused.reason, count: 1 }]);
    expect(JSON.stringify(lines())).not.toContain(SECRET);
  });

  it.each(REQUESTS)('of a request ($reason) is logged with the request id', async ({ level, ...refused }) => {
    await start();
    const answer = await service.request(refused.path, refused.init);
    expect(answer.status).toBe(refused.status);
    expect(lines()).toHaveLength(1);
    const { reason, status } = refused;
    expect(lineOf(answer.json.instance)).toMatchObject({
      level,
      msg: 'request refused',
      reason,
      status,
      ...refused.line,
    });
    expect(JSON.stringify(lines())).not.toMatch(new RegExp(`${SECRET}|alice`));
  });

  it('of a callback through the URL of another participant is logged as a warning with the ref', async () => {
    await start();
    const { token: path, ref } = token(NOW_MS + MINUTE_MS);
    await service.post(`/callbacks/bandwidth/${path}`, SEED);
    const answer = await service.post(`/callbacks/bandwidth/${path}`, { ...SEED, participantId: 'another' });
    expect(lineOf(answer.json.instance)).toMatchObject({ level: 40, reason: 'wrong-participant', ref });
  });

  it('at the in-flight limit is logged with the request id', async () => {
    await start({ http: { maxInFlight: 1 } });
    const release = service.holdLoads();
    const held = service.post(`/callbacks/bandwidth/${SECRET}`, SEED);
    const tags = () => service.request('/v1/tags', { headers: bearer(KEYS.reader) });
    await eventually(async () => expect((await tags()).status).toBe(503));
    const requests: [string, RequestInit, string][] = [
      [`/callbacks/bandwidth/${SECRET}`, { method: 'POST', headers: json, body: BODY }, '/callbacks/bandwidth/:token'],
      [
        '/callbacks/bandwidth',
        { method: 'POST', headers: { ...json, authorization: basic(SECRET) }, body: BODY },
        '/callbacks/bandwidth',
      ],
      ['/v1/participants/alice', { headers: bearer(KEYS.reader) }, '/v1/participants/:participantId'],
    ];
    for (const [path, init, route] of requests) {
      const answer = await service.request(path, init);
      expect(answer.status).toBe(503);
      expect(lineOf(answer.json.instance)).toMatchObject({ level: 40, reason: 'overloaded', status: 503, route });
    }
    expect(JSON.stringify(lines())).not.toMatch(new RegExp(`${SECRET}|alice`));
    release();
    expect((await held).status).toBe(204);
  });

  it.each([
    ['nonsense\r\n\r\n', 'malformed-http', 30],
    [`CONNECT ${SECRET}:443 HTTP/1.1\r\nhost: a\r\n\r\n`, 'method-not-allowed', 30],
    [`GET /${SECRET} HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 'headers-too-large', 30],
    [`GET /${SECRET} HTTP/1.1\r\nhost: a\r\nexpect: miracles\r\n\r\n`, 'expectation-failed', 30],
  ])('of malformed HTTP (%#) is logged with the request id', async (text, reason, level) => {
    await start();
    const { received } = await dial(text);
    await eventually(() => expect(instanceIn(received())).not.toBe(''));
    expect(lineOf(instanceIn(received()))).toMatchObject({ level, reason, client: '127.0.0.1', count: 1 });
    expect(JSON.stringify(lines())).not.toContain(SECRET);
  });

  describe('of an incomplete callback is logged as a warning', () => {
    const head = (length: number) =>
      `POST /callbacks/bandwidth/${SECRET} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
      `content-length: ${length}\r\n`;
    const FIN = (socket: Socket) => socket.end();
    const RESET = (socket: Socket) => socket.resetAndDestroy();
    const WAIT = () => {};

    it.each<[string, string, (socket: Socket) => void, string]>([
      ['the client closes before the body', `${head(100)}\r\n`, FIN, 'client-disconnected'],
      ['the client closes within the body', `${head(100)}\r\n{"event"`, FIN, 'client-disconnected'],
      ['the client resets before the body', `${head(100)}\r\n`, RESET, 'client-disconnected'],
      ['the client resets within the body', `${head(100)}\r\n{"event"`, RESET, 'client-disconnected'],
      ['the body does not arrive', `${head(100)}\r\n`, WAIT, 'request-timeout'],
      ['the rest of the body does not arrive', `${head(100)}\r\n{"event"`, WAIT, 'request-timeout'],
      ['the body is too large', `${head(70_000)}\r\n{"event"`, FIN, 'payload-too-large'],
      ['an unsupported expectation is sent', `${head(100)}expect: miracles\r\n\r\n`, WAIT, 'expectation-failed'],
    ])('when %s', async (_, text, finish, reason) => {
      await start({ http: { timeouts: { requestMs: 500, stalledWriteMs: 1_000, checkMs: 50 } } });
      const { socket } = await dial(text);
      // Once the service answers on a connection opened later, it has received the head.
      await service.request('/health/live');
      finish(socket);
      await eventually(() => expect(lines()).toHaveLength(1));
      expect(lines()[0]).toMatchObject({
        level: 40,
        msg: 'callback refused',
        reason,
        source: 'bandwidth',
      });
      await service.stop();
      expect(service.refusals.totals()).toEqual([{ kind: 'callback', reason, count: 1 }]);
      expect(JSON.stringify(lines())).not.toContain(SECRET);
    });
  });

  it.each([
    ['content-length: 1\r\ncontent-length: 2', 'malformed-http'],
    [`x: ${'y'.repeat(20_000)}`, 'headers-too-large'],
  ])('of a callback with unreadable headers (%#) is logged as a warning', async (header, reason) => {
    await start();
    await dial(`POST /callbacks/bandwidth/${SECRET} HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n{"event"`);
    await eventually(() => expect(lines()).toHaveLength(1));
    expect(lines()[0]).toMatchObject({ level: 40, msg: 'callback refused', reason, source: 'bandwidth' });
    expect(JSON.stringify(lines())).not.toContain(SECRET);
  });

  it('of garbage after a request is attributed to the connection', async () => {
    await start();
    const head = `POST /callbacks/bandwidth/${SECRET} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
    await dial(`${head}content-length: ${BODY.length}\r\n\r\n${BODY}nonsense\r\n\r\n`);
    await eventually(() => expect(lines()).toHaveLength(1));
    expect(lines()[0]).toMatchObject({ level: 30, msg: 'connection refused', reason: 'malformed-http' });
  });

  it('is counted once when the connection breaks before the request is routed', async () => {
    await start();
    const { socket } = await dial('POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"event"');
    socket.resetAndDestroy();
    await eventually(() => expect(service.refusals.totals()).not.toEqual([]));
    // Once a later request is answered, the first one has been routed.
    await service.request('/health/live');
    // Whether it is routed before the reset is noticed depends on the version of Node.
    const reason = expect.stringMatching(/^(client-disconnected|unknown-path)$/);
    expect(service.refusals.totals()).toEqual([{ kind: 'callback', reason, count: 1 }]);
  });

  it('at the connection limit is logged with the request id, with or without a request', async () => {
    await start({ http: { maxConnections: 1 } });
    await dial('');
    const withRequest = await dial('GET /v1/tags HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually(() => expect(instanceIn(withRequest.received())).not.toBe(''));
    expect(lineOf(instanceIn(withRequest.received()))).toMatchObject({ level: 40, reason: 'too-many-connections' });
    const silent = await dial('');
    for (let n = 0; n < 32; n += 1) await dial('');
    await eventually(() => expect(instanceIn(silent.received())).not.toBe(''));
    expect(lineOf(instanceIn(silent.received()))).toMatchObject({
      level: 40,
      msg: 'connection refused',
      reason: 'too-many-connections',
      client: '127.0.0.1',
    });
  });

  it('while the service stops is logged with the request id, and so is the count of the last minute', async () => {
    await start();
    for (let n = 0; n < 15; n += 1) await service.post('/callbacks/bandwidth', SEED);
    const late = await dial('GET /v1/tags HT');
    await service.request('/health/live');
    const stopped = service.stop();
    late.socket.write('TP/1.1\r\n\r\n');
    await stopped;
    await eventually(() => expect(lineOf(instanceIn(late.received()))).toMatchObject({ reason: 'stopping' }));
    const counts = lines()
      .filter(({ reason }) => reason === 'no-credentials')
      .map(({ count }) => count);
    expect(counts).toEqual([...Array(10).fill(1), 5]);
  });

  it('of 86 callbacks with a wrong secret is logged in ten lines, and one for the rest after a minute', async () => {
    await start();
    const authorization = basic('wrong');
    for (let n = 0; n < 86; n += 1)
      await service.request('/callbacks/bandwidth', post('', BODY, { ...json, authorization }).init);
    expect(lines().map(({ count }) => count)).toEqual(Array(10).fill(1));
    clock.advance(MINUTE_MS);
    expect(lines()).toHaveLength(11);
    expect(lines()[10]).toMatchObject({
      level: 40,
      msg: 'callback refused',
      reason: 'wrong-secret',
      count: 76,
      status: 404,
      route: '/callbacks/bandwidth',
      source: 'bandwidth',
      client: '127.0.0.1',
      requestId: expect.any(String),
    });
    expect(countOf('wrong-secret')).toBe(86);
    clock.advance(MINUTE_MS);
    expect(lines()).toHaveLength(11);
  });

  it('is logged individually at level debug', async () => {
    await start({ logLevel: 'trace' });
    for (let n = 0; n < 20; n += 1) {
      const { json: problem } = await service.post('/callbacks/bandwidth', SEED);
      expect(lineOf(problem.instance)).toMatchObject({ reason: 'no-credentials' });
    }
  });

  it('is logged without secrets, wherever they were sent', async () => {
    await start({ logLevel: 'trace' });
    const requests: [string, RequestInit][] = [SECRET, `${SECRET}x`, SECRET.slice(3), expired.token].flatMap(
      (secret) => [
        [`/callbacks/bandwidth/${secret}`, post('', '{').init],
        [`/callbacks/bandwidth/${secret}/`, post('').init],
        [`/${secret}/bandwidth?a=${secret}`, post('').init],
        [`/%63allbacks/bandwidth/${secret}?a=${secret}`, post('', JSON.stringify({ ...SEED, event: 7 })).init],
        [`/callbacks/bandwidth?${secret}=${secret}`, post('', BODY, { ...json, authorization: basic(secret) }).init],
        ['/callbacks/bandwidth', post('', BODY, { ...json, ...bearer(secret) }).init],
        [`/callbacks/bandwidth/${SECRET}`, post('', secret).init],
        [`/callbacks/bandwidth/${SECRET}`, post('', JSON.stringify({ ...SEED, event: secret })).init],
        [`/callbacks/bandwidth/${SECRET}`, post('', JSON.stringify({ [secret]: 1, timestamp: secret })).init],
        [
          `/callbacks/bandwidth/${SECRET}`,
          post('', BODY, { 'content-type': `text/${secret}`, 'x-secret': secret }).init,
        ],
        [`/v1/tags?${secret}=1`, { headers: bearer(KEYS.reader) }],
        [`/v1/participants/${secret}`, { headers: { ...bearer(KEYS.reader), 'x-forwarded-for': secret } }],
      ],
    );
    for (const [path, init] of requests) await service.request(path, init);
    clock.advance(MINUTE_MS);
    const log = JSON.stringify(lines());
    expect(lines().length).toBeGreaterThan(requests.length);
    for (const part of [SECRET.slice(3), expired.token, expired.token.split('.')[2] ?? '', ...Object.values(KEYS)]) {
      expect(log).not.toContain(part);
    }
    expect(log).not.toContain(Buffer.from(`anybody:${SECRET}`).toString('base64').slice(12, 40));
  });
});
