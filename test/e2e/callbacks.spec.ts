import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SEED, type Service } from './service.js';
import { onEachStore } from './stores.js';

describe.each(onEachStore())('callbacks of Bandwidth on %s', (_, start) => {
  let service: Service;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service.stop());

  const find = async (participantId: string) => (await service.request(`/v1/participants/${participantId}`)).json;

  it('are answered with an empty 204, including duplicates and stale ones', async () => {
    for (const event of ['onConnect', 'onConnect', 'onLeave', 'onDisconnect', 'onLeave']) {
      const { status, text } = await service.callback({ event });
      expect({ status, text }).toEqual({ status: 204, text: '' });
    }
    expect(await find(SEED.participantId)).toMatchObject({
      state: 'gone',
      cause: 'left',
      since: '2021-08-12T16:37:14.676Z',
    });
  });

  it('are reflected in every response after they are acknowledged', async () => {
    for (let n = 0; n < 30; n += 1) {
      const participantId = `prompt-${n}`;
      await service.callback({ participantId });
      expect((await find(participantId)).state).toBe('connected');
      await service.callback({ participantId, event: 'onLeave' });
      expect((await find(participantId)).state).toBe('gone');
    }
  });

  it.each([
    ['a timestamp as a number', { timestamp: 1_628_786_234_676 }],
    ['unknown members', { accountId: 7, nested: { a: [1] } }],
    ['an id with a slash, a brace and a space', { participantId: 'a/b {c}:*' }],
    ['an id of 256 characters', { participantId: 'x'.repeat(256) }],
    ['a long tag', { participantId: 'long-tag', tag: 't'.repeat(1_024) }],
    ['a tag with characters that a store cannot hold', { participantId: 'odd-tag', tag: 'a\u0000b\ud800' }],
  ])('may have %s', async (_what, parts) => {
    expect((await service.callback(parts)).status).toBe(204);
  });

  it.each([undefined, null, ''])('have no tag if it is %p', async (tag) => {
    const participantId = `tag-${tag}`;
    await service.callback({ participantId, tag });
    expect(await find(participantId)).not.toHaveProperty('tag');
  });

  it.each([
    ['too long', 'x'.repeat(5_000), 'x'.repeat(1_024)],
    ['a number', 7, '7'],
    ['an object', {}, undefined],
  ])('are accepted with a tag that is %s, with a warning', async (what, tag, used) => {
    const participantId = `tag is ${what}`;
    expect((await service.callback({ participantId, tag })).status).toBe(204);
    expect((await find(participantId)).tag).toBe(used);
    const warnings = service.logged.filter(({ msg }) => String(msg).startsWith('an optional member of a callback'));
    expect(warnings).toHaveLength(1);
  });

  it('are not affected by a __proto__ member or a duplicate key', async () => {
    const { participantId, ...rest } = SEED;
    const body = JSON.stringify({ ...rest, participantId: 'first' }).replace(
      '{',
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"participantId":"twice",',
    );
    expect((await service.post('/callbacks/bandwidth', body)).status).toBe(204);
    expect(participantId).toBeDefined();
    expect((await find('first')).state).toBe('connected');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  const identifierFaults: [string, unknown][] = [
    ['missing', undefined],
    ['null', null],
    ['blank', '  '],
    ['empty', ''],
    ['a number', 7],
    ['an object', {}],
    ['too long', 'x'.repeat(257)],
    ['text with a control character', 'a\nb'],
    ['half a surrogate pair', '\ud800'],
  ];
  const timestampFaults: [string, unknown][] = [
    ['missing', undefined],
    ['null', null],
    ['fractional', 1_628_786_234_676.5],
    ['a fractional string', '1628786234676.5'],
    ['negative', -1_628_786_234_676],
    ['text', 'yesterday'],
    ['empty', ''],
    ['ISO text', '2021-08-12T16:37:14.676Z'],
    ['seconds', 1_628_786_234],
    ['seconds as a string', '1628786234'],
    ['microseconds', '1628786234676000'],
    ['nanoseconds', '1628786234676000000'],
    ['with an exponent', '1e12'],
    ['beyond all dates', 1e21],
    ['an object', {}],
    ['a boolean', true],
  ];
  const eventFaults: [string, unknown][] = [
    ['missing', undefined],
    ['empty', ''],
    ['a number', 1],
  ];
  const faults = [
    ...['participantId', 'deviceId'].flatMap((name) => identifierFaults.map(([what, value]) => [name, what, value])),
    ...timestampFaults.map(([what, value]) => ['timestamp', what, value]),
    ...eventFaults.map(([what, value]) => ['event', what, value]),
  ] as [string, string, unknown][];

  it.each(faults)('whose %s is %s are rejected with an explanation', async (name, _what, value) => {
    const answer = await service.callback({ [name]: value });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.json).toMatchObject({ type: 'urn:rollcall:problem:invalid-request', status: 400 });
    expect(answer.json.errors).toEqual([{ pointer: `#/${name}`, message: expect.any(String) }]);
    if (name === 'timestamp') expect(answer.json.detail).toContain('epoch milliseconds');
  });

  it('with several faults are rejected with all of them', async () => {
    const { json } = await service.post('/callbacks/bandwidth', { event: 'onConnect' });
    expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '#/timestamp',
      '#/participantId',
      '#/deviceId',
    ]);
  });

  it.each([
    ['broken JSON', '{"event":'],
    ['nothing', ''],
    ['spaces', '   '],
    ['an array', '[]'],
    ['a string', '"onConnect"'],
    ['null', 'null'],
    ['too many brackets', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  ])('that are %s are rejected', async (_what, body) => {
    const answer = await service.post('/callbacks/bandwidth', body);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ type: 'urn:rollcall:problem:invalid-request', detail: expect.any(String) });
  });

  it('that are not UTF-8 are rejected, since two ids could become the same', async () => {
    const body = Buffer.from(JSON.stringify({ ...SEED, participantId: 'a\u00ff' }), 'latin1');
    const headers = { 'content-type': 'application/json' };
    const { status } = await service.request('/callbacks/bandwidth', { method: 'POST', headers, body });
    expect(status).toBe(400);
  });

  it('with another media type, method or too large a body are rejected with the standard HTTP status', async () => {
    const send = async (init: RequestInit) => {
      const { status, json, headers } = await service.request('/callbacks/bandwidth', init);
      return [status, json.type.split(':').pop(), headers.get('allow')];
    };
    const json = { 'content-type': 'application/json' };
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await send({ method: 'POST', headers: form, body: 'a=b' })).toEqual([415, 'unsupported-media-type', null]);
    expect(await send({ method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' })).toEqual([
      415,
      'unsupported-media-type',
      null,
    ]);
    expect(await send({ method: 'POST' })).toEqual([400, 'invalid-request', null]);
    const large = JSON.stringify({ ...SEED, more: 'x'.repeat(65_536) });
    expect(await send({ method: 'POST', headers: json, body: large })).toEqual([413, 'payload-too-large', null]);
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect(await send({ method })).toEqual([405, 'method-not-allowed', 'POST']);
    }
    expect(await send({ method: 'PUT', headers: json, body: '{broken' })).toEqual([405, 'method-not-allowed', 'POST']);
  });

  it('with an unknown event are accepted and logged, and change nothing', async () => {
    const before = service.logged.length;
    for (let n = 0; n < 3; n += 1) {
      const answer = await service.callback({ event: 'onHold', participantId: 'on-hold' });
      expect(answer).toMatchObject({ status: 202, text: '' });
    }
    expect((await service.callback({ event: 'x'.repeat(60_000), participantId: 'on-hold' })).status).toBe(202);
    expect((await service.request('/v1/participants/on-hold')).status).toBe(404);
    const lines = service.logged.slice(before);
    expect(lines.map(({ event }) => event)).toEqual(['onHold', 'onHold', 'onHold', '…']);
    expect(lines[0]).toMatchObject({ level: 40, reason: 'unknown-event', status: 202, source: 'bandwidth' });
    expect(JSON.stringify(lines).length).toBeLessThan(2_000);
  });

  it('from the future are ordered as at most CLOCK_SKEW_MS after their receipt, which is logged once', async () => {
    const before = service.logged.length;
    const timestamp = Date.now() + 3_600_000;
    for (let n = 0; n < 5; n += 1) {
      expect((await service.callback({ participantId: 'ahead', timestamp: timestamp + n })).status).toBe(204);
    }
    expect(Date.parse((await find('ahead')).since)).toBeLessThanOrEqual(Date.now() + 5_000);
    await service.callback({ participantId: 'ahead', event: 'onLeave', timestamp: Date.now() + 3_660_000 });
    expect((await find('ahead')).state).toBe('gone');
    expect(service.logged.slice(before)).toEqual([
      expect.objectContaining({ level: 40, source: 'bandwidth', aheadMs: expect.any(Number) }),
    ]);
  });

  it('are not logged individually', async () => {
    const before = service.logged.length;
    await Promise.all(Array.from({ length: 50 }, (_unused, n) => service.callback({ participantId: `quiet-${n}` })));
    const lines = service.logged.slice(before);
    expect(lines.filter((line) => JSON.stringify(line).includes('quiet-'))).toEqual([]);
    expect(lines.filter((line) => Number(line.level) < 50)).toEqual([]); // the store of a busy machine may be late once
  });
});
