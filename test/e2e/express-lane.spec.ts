// The usual callback, and the usual question for one participant, go past the router; all else by it. Nobody outside may see a
// difference.

import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { SEED, type Service, startService } from './service.js';

/** What Fastify tells of each request that came to its handler. */
const HANDLER_STARTS = 'tracing:fastify.request.handler:start';
const SECRET = 'a-secret-of-32-characters-or-more-for-tests';

/** Members as providers, and others, might send them. */
const odd = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom(null, undefined, 7, true, [], {}, '\ud800', '\0'));
const bodies = fc
  .record({
    event: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('onConnect', 'onLeave', 'onHold') }, odd),
    timestamp: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('1628786234676', 1_628_786_234_676, 1e9) }, odd),
    participantId: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('p1', 'p2') }, odd),
    deviceId: fc.oneof({ weight: 4, arbitrary: fc.constant('d1') }, odd),
    tag: fc.oneof(fc.constantFrom('red', ''), odd),
    __proto__: fc.constantFrom(undefined, { a: 1 }),
  })
  .map((value) => JSON.stringify(value));
const texts = fc.oneof(
  { weight: 8, arbitrary: bodies },
  fc.json(),
  fc.string(),
  fc.constantFrom('', ' ', '{', `${'['.repeat(40)}${']'.repeat(40)}`, `\ufeff${JSON.stringify(SEED)}`),
  fc.constant(JSON.stringify({ ...SEED, constructor: { prototype: 1 } })),
);
const paths = fc.constantFrom('', `/${SECRET}`, '/nonsense', `/${SECRET}?a=1`, `/%61${SECRET.slice(1)}`, '/');

/** Status, headers and body, but for what is different each time. */
async function answerTo(service: Service, path: string, init?: RequestInit) {
  const { status, headers, text } = await service.request(path, init);
  const steady = [...headers].filter(([name]) => name !== 'date');
  return { status, headers: steady, text: text.replace(/urn:rollcall:request:[\da-f-]+/, '') };
}

describe('a callback by the express lane', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({
      access: { callbackSecrets: [SECRET] },
      http: { corsOrigins: ['https://a.example'] },
    });
  });
  afterAll(() => service.stop());

  function send(to: Service, path: string, body: string, contentType: string) {
    return answerTo(to, `/callbacks/bandwidth${path}`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    });
  }

  it('is answered as one by the router', async () => {
    const seen = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(paths, texts, async (path, body) => {
        const ahead = await send(service, path, body, 'application/json');
        expect(ahead).toEqual(await send(service, path, body, 'application/json; charset=utf-8'));
        seen.add(ahead.status);
      }),
      { numRuns: 400 },
    );
    expect(seen).toEqual(new Set([202, 204, 400, 401, 404]));
  });

  it('may come in any pieces, and behind another one on its connection', async () => {
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

  it('has one place among those under way, by whichever way it is answered', async () => {
    const own = await startService({ http: { maxInFlight: 1 } });
    for (const event of ['onConnect', 'nonsense', '', 'onLeave']) {
      await eventually(async () => expect((await own.callback({ event })).status).not.toBe(503));
    }
    const release = own.holdLoads();
    const held = own.callback();
    await eventually(async () => expect((await own.request('/v1/occupancy')).status).toBe(503));
    const refusals = await Promise.all(
      ['application/json', 'application/json; charset=utf-8'].map((type) => send(own, '', JSON.stringify(SEED), type)),
    );
    expect(refusals[0]).toEqual(refusals[1]);
    expect(refusals[0]).toMatchObject({ status: 503 });
    release();
    expect((await held).status).toBe(204);
    await eventually(async () => expect((await own.request('/v1/occupancy')).status).toBe(200));
    await own.stop();
  });

  it('lets nobody in before his secret was seen, nor waits for his body', async () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    const head = 'host: localhost\r\ncontent-type: application/json\r\ncontent-length: 60000';
    socket.write(`POST /callbacks/bandwidth/wrong HTTP/1.1\r\n${head}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1.1 404 /);
    socket.destroy();
  });
});

describe('a question for one participant by the express lane', () => {
  const KEYS = { reader: 'key-of-a-reader', other: 'key-of-another', minter: 'key-of-a-minter' };
  const apiKeys = Object.entries({ reader: 'read', other: 'read', minter: 'admin' }).map(([name, scope]) => {
    const key = KEYS[name as keyof typeof KEYS];
    return `${name}:${scope}:${createHash('sha256').update(key).digest('hex')}`;
  });
  const remainingOf = (headers: string[][]) => Number(headers.find(([name]) => name === 'ratelimit-remaining')?.[1]);
  const withoutCount = <T extends { headers: string[][] }>(answer: T) => ({
    ...answer,
    headers: answer.headers.filter(([name]) => name !== 'ratelimit-remaining'),
  });
  let service: Service;
  let etag: string;
  beforeAll(async () => {
    // It stands: how long until a rate begins anew is the same for whoever is answered first.
    service = await startService({
      clock: new ManualClock(Date.now()),
      access: { apiKeys: parseApiKeys(apiKeys.join()) },
      http: { rateLimitPerMinute: 5_000 },
    });
    expect((await service.callback({ participantId: 'p1' })).status).toBe(204);
    expect((await service.callback({ participantId: 'lookup' })).status).toBe(204);
    const { headers } = await service.request('/v1/participants/p1', { headers: bearer(KEYS.reader) });
    etag = String(headers.get('etag'));
  });
  afterAll(() => service.stop());

  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const authorizations = fc.constantFrom({}, ...[...Object.values(KEYS), 'wrong'].map(bearer), {
    authorization: 'Basic YTpi',
  });
  const conditions = fc.constantFrom(
    () => ({}),
    () => ({ 'if-none-match': etag }),
    () => ({ 'if-none-match': `"x", W/${etag}` }),
    () => ({ 'if-none-match': '*' }),
    () => ({ 'if-none-match': '"x"' }),
  );
  /** As it is, and spelt so that only the router knows it. */
  const names = fc.constantFrom(
    ['p1', '%701'],
    ['nobody', 'nobod%79'],
    ['lookup', 'looku%70'],
    ['..-', '%2e.-'],
    ['x'.repeat(257), `%78${'x'.repeat(256)}`],
    ['p1?tag=red', '%701?tag=red'],
  );

  it('is answered as one by the router, and counts once', async () => {
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(names, authorizations, conditions, async ([plain, spelt], authorization, condition) => {
        const headers = { ...authorization, ...condition() };
        const ahead = await answerTo(service, `/v1/participants/${plain}`, { headers });
        const routed = await answerTo(service, `/v1/participants/${spelt}`, { headers });
        expect(withoutCount(ahead)).toEqual(withoutCount(routed));
        if (ahead.headers.some(([name]) => name === 'ratelimit-limit')) {
          expect(remainingOf(routed.headers)).toBe(remainingOf(ahead.headers) - 1);
        }
        seen.add(ahead.status);
      }),
      { numRuns: 400 },
    );
    expect(seen).toEqual(new Set([200, 304, 400, 401, 403, 404, 405, 429]));
  });

  it('does not come to the router if it is usual', async () => {
    let routed = 0;
    const count = () => {
      routed += 1;
    };
    subscribe(HANDLER_STARTS, count);
    const headers = bearer(KEYS.reader);
    expect((await answerTo(service, '/v1/participants/p1', { headers })).status).toBe(200);
    expect((await service.callback({ participantId: 'p1' })).status).toBe(204);
    expect(routed).toBe(0);
    expect((await answerTo(service, '/v1/participants/%701', { headers })).status).toBe(200);
    expect(routed).toBe(1);
    unsubscribe(HANDLER_STARTS, count);
  });

  it.each([
    ['that is known', 'p1', 200],
    ['that is not', 'nobody', 404],
  ])('is refused beyond the rate of its key, of one %s', async (_, participantId, status) => {
    const own = await startService({
      clock: new ManualClock(Date.now()),
      access: { apiKeys: parseApiKeys(apiKeys.join()) },
      http: { rateLimitPerMinute: 3 },
    });
    await own.callback({ participantId: 'p1' });
    const ask = () => answerTo(own, `/v1/participants/${participantId}`, { headers: bearer(KEYS.reader) });
    const answers = [await ask(), await ask(), await ask(), await ask()];
    expect(answers.map(({ status }) => status)).toEqual([status, status, status, 429]);
    expect(answers.map(({ headers }) => remainingOf(headers))).toEqual([2, 1, 0, 0]);
    await own.stop();
  });
});
