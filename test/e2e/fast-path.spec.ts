// Callbacks through the fast path and through the routes get the same responses and leave the same traces.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../src/domain/subject.js';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import { sign, testDialect } from '../sources/test-source.js';
import { SEED, type Service, type ServiceOptions, startService } from './service.js';

const SECRET = 'the-one-live-secret-of-at-least-32-characters';
/** Fastify publishes it for each request that reaches a handler of a route. */
const ROUTED = 'tracing:fastify.request.handler:start';
const FAST = 'application/json';
const ROUTE = 'application/json; charset=utf-8';

describe('the fast path', () => {
  let service: Service;
  let routed = 0;
  const count = () => {
    routed += 1;
  };
  beforeEach(() => {
    routed = 0;
    subscribe(ROUTED, count);
  });
  afterEach(async () => {
    unsubscribe(ROUTED, count);
    await service.stop();
  });

  async function start(options: ServiceOptions = {}): Promise<void> {
    service = await startService(options);
  }

  async function send(type: string, body: unknown, path = '/callbacks/bandwidth', headers: object = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const init = { method: 'POST', headers: { 'content-type': type, ...headers }, body: text };
    const response = await service.request(path, init);
    const { date, ...others } = Object.fromEntries(response.headers);
    expect(date).toBeDefined();
    return { status: response.status, headers: others, body: response.text.replace(/request:[\w-]+/, 'request:…') };
  }

  it('takes callbacks that are complete and plain, and no others', async () => {
    await start();
    expect((await send(FAST, SEED)).status).toBe(204);
    expect(routed).toBe(0);
    const origin = { origin: 'https://example.com' };
    expect((await send(ROUTE, SEED)).status).toBe(204);
    expect((await send(FAST, SEED, '/callbacks/bandwidth?a=1')).status).toBe(204);
    expect((await send(FAST, SEED, '/callbacks/%62andwidth')).status).toBe(204);
    expect((await send(FAST, SEED, undefined, origin)).status).toBe(204);
    expect(routed).toBe(4);
  });

  it.each([
    ['a callback', SEED],
    ['an unknown event', { ...SEED, event: 'onWave' }],
    ['a missing member', { ...SEED, deviceId: undefined }],
    ['a bad value', { ...SEED, timestamp: 'soon' }],
    ['text that is not JSON', '{"event":'],
    ['only blanks', '  '],
    ['too many levels', '['.repeat(1_000)],
    ['a suspicious name', { ...SEED, constructor: { prototype: 1 } }],
  ])('responds to %s as the route does', async (_, body) => {
    await start({ http: { corsOrigins: ['https://example.com'] } });
    const expected = await send(ROUTE, body);
    const before = routed;
    expect(await send(FAST, body)).toEqual(expected);
    expect(routed).toBe(before);
    // Each was counted and logged, or neither.
    for (const { count: refused } of service.refusals.totals()) expect(refused).toBe(2);
    const [first, second] = service.logged.filter(({ msg = '' }) => (msg as string).startsWith('callback'));
    const strip = (line: Record<string, unknown> | undefined) =>
      line && { ...line, time: 0, requestId: '', quarantined: typeof line.quarantined };
    expect(strip(second)).toEqual(strip(first));
  });

  it.each([
    ['a right secret', `/callbacks/bandwidth/${SECRET}`],
    ['a wrong secret', `/callbacks/bandwidth/${SECRET}-`],
    ['no credentials', '/callbacks/bandwidth'],
    ['an unknown source', `/callbacks/bandwith/${SECRET}`],
  ])('responds to %s as the route does', async (_, path) => {
    await start({ access: { isRequired: true, callbackSecrets: [SECRET] } });
    expect(await send(FAST, SEED, path)).toEqual(await send(ROUTE, SEED, path));
  });

  const WITH_PATHS = { ...bandwidth, paths: ['/events/joined', '/events/left'] as const };

  it('takes callbacks at the paths that the dialect declares', async () => {
    const access = { isRequired: true, callbackSecrets: [SECRET] };
    await start({ dialects: { bandwidth: WITH_PATHS }, access, logLevel: 'trace' });
    const path = `/callbacks/bandwidth/${SECRET}/events/left`;
    expect((await send(FAST, SEED, path)).status).toBe(204);
    expect(routed).toBe(0);
    expect((await send(ROUTE, SEED, path)).status).toBe(204);
    expect(routed).toBe(1);
    const basic = { authorization: `Basic ${btoa(`rollcall:${SECRET}`)}` };
    expect((await send(FAST, SEED, '/callbacks/bandwidth/events/joined', basic)).status).toBe(204);
    expect(routed).toBe(1);
    const routes = service.logged.filter(({ msg }) => msg === 'answered').map(({ route }) => route);
    const withToken = '/callbacks/bandwidth/:token/events/left';
    expect(routes).toEqual([withToken, withToken, '/callbacks/bandwidth/events/joined']);
  });

  it.each([
    ['no credentials', 401, '/events/joined'],
    ['a wrong secret', 404, `/${SECRET}-/events/joined`],
    ['a part of a path for a token', 404, '/events'],
    ['a path that is not declared', 404, `/${SECRET}/events/danced`],
    ['a part of a path', 404, `/${SECRET}/events`],
    ['a token after the path', 404, `/events/joined/${SECRET}`],
    ['two paths', 404, `/${SECRET}/events/joined/events/left`],
    ['two tokens', 404, `/${SECRET}/${SECRET}/events/joined`],
    ['an empty token', 404, '//events/joined'],
  ])('responds to %s as the route does, if the dialect declares paths', async (_, status, below) => {
    const access = { isRequired: true, callbackSecrets: [SECRET] };
    await start({ dialects: { bandwidth: WITH_PATHS }, access });
    const path = `/callbacks/bandwidth${below}`;
    const answer = await send(FAST, SEED, path);
    expect(answer.status).toBe(status);
    expect(answer).toEqual(await send(ROUTE, SEED, path));
  });

  it('responds to a handshake, and to a wrong signature, as the route does', async () => {
    const dialects = { bandwidth, test: testDialect };
    await start({ dialects, sources: [{ name: 'test' as SourceName, dialect: 'test' }] });
    const body = JSON.stringify({ test: 'please' });
    for (const [signature, status] of [
      [sign(body), 200],
      ['wrong', 401],
    ] as const) {
      const headers = { 'x-signature': signature };
      const expected = await send('application/webhook+json;v=1', body, '/callbacks/test', headers);
      expect(expected.status).toBe(status);
      expect(await send('application/webhook+json', body, '/callbacks/test', headers)).toEqual(expected);
    }
  });

  it('logs each response at log level debug', async () => {
    await start({ logLevel: 'trace' });
    await send(FAST, SEED);
    await send(ROUTE, SEED);
    const lines = service.logged.filter(({ msg }) => msg === 'answered');
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).toMatchObject({ method: 'POST', route: '/callbacks/bandwidth', status: 204 });
      expect(line).toMatchObject({ requestId: expect.any(String), elapsedMs: expect.any(Number) });
    }
  });
});
