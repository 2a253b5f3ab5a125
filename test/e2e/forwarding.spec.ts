// FORWARD_TO: each callback that is accepted also reaches another Rollcall.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import type { SourceName } from '../../src/domain/subject.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { parseSeries } from './scrape.js';
import { SEED, type Service, type ServiceOptions, startService } from './service.js';

const KEY = 'the-key-of-the-old-service';
const ACCESS = {
  apiKeys: parseApiKeys(`old:admin+read+metrics:${digestOf(KEY).toString('hex')}`),
  callbackSecrets: ['a-callback-secret-of-32-characters-or-more'],
  publicUrl: 'https://rollcall.example.com',
};
const AUTHORIZED = { headers: { authorization: `Bearer ${KEY}` } };
const OTHER = 'other' as SourceName;
const BOTH_SOURCES = [
  { name: BANDWIDTH, dialect: 'bandwidth' },
  { name: OTHER, dialect: 'bandwidth' },
] as const;

let target: Service;
let service: Service;
beforeEach(async () => {
  target = await startService({ access: ACCESS });
});
afterEach(async () => {
  await service?.stop();
  await target.stop();
});

async function forwarding(options: ServiceOptions = {}, apiKey: string | undefined = KEY): Promise<void> {
  service = await startService({ forward: { url: target.url, apiKey }, ...options });
}

async function received(participantId = SEED.participantId) {
  return (await target.request(`/v1/participants/${participantId}`, AUTHORIZED)).json;
}

const metric = async (from: Service, name: string) =>
  parseSeries((await from.request('/metrics', AUTHORIZED)).text).get(name);
const state = async (from: Service) => (await from.request('/health/ready', AUTHORIZED)).json.details.forward;

describe('a callback', () => {
  it('reaches the other service with its original time of receipt', async () => {
    const receivedAt = new Date(Date.now() - 300_000);
    const clock = new ManualClock(receivedAt.getTime());
    await forwarding({ clock });
    expect((await service.callback()).status).toBe(204);
    await eventually(async () => expect(await received()).toMatchObject({ state: 'connected', tag: SEED.tag }));
    const { json } = await target.request(`/v1/participants/${SEED.participantId}/explain`, AUTHORIZED);
    expect(json.devices[0].steps[0].event.receivedAt).toBe(receivedAt.toISOString());
    expect(await state(service)).toMatchObject({ status: 'up', events: 0 });
    expect(await metric(service, 'rollcall_forwarded_callbacks_total{outcome="delivered"}')).toBe(1);
    expect(
      await metric(target, 'rollcall_forwarded_callbacks_received_total{source="bandwidth",outcome="applied"}'),
    ).toBe(1);
    expect(service.logged.filter(({ level }) => Number(level) > 30)).toEqual([]);
  });

  it('that is refused or ignored is not forwarded', async () => {
    await forwarding();
    expect((await service.callback({ event: 'onMute', participantId: 'a' })).status).toBe(202);
    expect((await service.callback({ participantId: '' })).status).toBe(400);
    expect((await service.callback({ participantId: 'b' })).status).toBe(204);
    await eventually(async () => expect(await received('b')).toMatchObject({ state: 'connected' }));
    expect(await metric(service, 'rollcall_forwarded_callbacks_total{outcome="delivered"}')).toBe(1);
  });

  it('to a minted URL binds it in the other service as well', async () => {
    await forwarding({ access: ACCESS });
    const claims = { tag: 'agent-17', participantRef: 'user-4711', labels: { call: '42' } };
    const body = JSON.stringify({ source: 'bandwidth', ...claims });
    const headers = { ...AUTHORIZED.headers, 'content-type': 'application/json' };
    const minted = await service.request('/v1/callback-urls', { method: 'POST', headers, body });
    const path = new URL(minted.json.callbackUrl).pathname;
    const { tag: _, ...callback } = SEED;
    expect((await service.post(path, callback)).status).toBe(204);
    await eventually(async () => expect(await received()).toMatchObject({ state: 'connected', ...claims }));
    expect((await target.post(path, { ...callback, participantId: 'someone else' })).status).toBe(403);
  });

  it('that the other service refuses is in its quarantine, and does not stop the others', async () => {
    await forwarding({ access: ACCESS });
    const body = JSON.stringify({ source: 'bandwidth' });
    const headers = { ...AUTHORIZED.headers, 'content-type': 'application/json' };
    const minted = await service.request('/v1/callback-urls', { method: 'POST', headers, body });
    const path = new URL(minted.json.callbackUrl).pathname;
    expect((await target.post(path, { ...SEED, participantId: 'first' })).status).toBe(204);
    expect((await service.post(path, { ...SEED, participantId: 'second' })).status).toBe(204);
    await eventually(async () =>
      expect(await metric(service, 'rollcall_forwarded_callbacks_total{outcome="refused"}')).toBe(1),
    );
    expect((await target.request('/v1/quarantine', AUTHORIZED)).json.items).toMatchObject([
      { source: 'bandwidth', reason: 'wrong-participant' },
    ]);
    expect(target.logged).toContainEqual(expect.objectContaining({ msg: 'forwarded callback refused' }));
    expect(service.logged).toContainEqual(
      expect.objectContaining({ msg: 'the service in FORWARD_TO refused a callback that was accepted here' }),
    );
    expect(await state(service)).toMatchObject({ events: 0 });
  });

  it('of a source that the other service does not have waits, without holding up others', async () => {
    await forwarding({ sources: BOTH_SOURCES });
    // More than are sent at the same time.
    const waiting = Array.from({ length: 130 }, (_, n) =>
      service.post('/callbacks/other', { ...SEED, participantId: `p${n}` }),
    );
    expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([204]));
    await service.callback();
    await eventually(async () => expect(await received()).toMatchObject({ state: 'connected' }));
    expect(await state(service)).toMatchObject({ events: 130 });
    expect(service.logged).toContainEqual(
      expect.objectContaining({
        msg: 'callbacks wait, because the service in FORWARD_TO does not take them: The source other is not configured.; trying again',
      }),
    );
  });

  it('waits as long as the key is refused', async () => {
    await forwarding({}, 'another-key');
    expect((await service.callback()).status).toBe(204);
    await eventually(() =>
      expect(service.logged).toContainEqual(
        expect.objectContaining({
          msg: 'callbacks wait, because the service in FORWARD_TO does not take them: answered with status 401; trying again',
        }),
      ),
    );
    expect(await state(service)).toMatchObject({ status: 'up', events: 1, oldestAgeMs: expect.any(Number) });
    expect(await metric(service, 'rollcall_forward_waiting_callbacks')).toBe(1);
    expect(await metric(service, 'rollcall_forward_oldest_age_seconds')).toBeGreaterThan(0);
  });

  it('that cannot be kept is still accepted, and counted', async () => {
    await forwarding({ forward: { url: target.url, apiKey: 'another-key', maxBytes: 1 } });
    for (const participantId of ['a', 'b']) expect((await service.callback({ participantId })).status).toBe(204);
    expect(await metric(service, 'rollcall_forwarded_callbacks_total{outcome="dropped"}')).toBe(1);
    expect(service.logged).toContainEqual(
      expect.objectContaining({
        level: 50,
        msg: 'The spool of callbacks for FORWARD_TO refuses to take events: FULL, it has reached SPOOL_MAX_BYTES',
      }),
    );
  });
});

describe('the route of forwarded callbacks', () => {
  const forwarded = (callbacks: unknown, headers: object = AUTHORIZED.headers) =>
    target.request('/v1/forwarded-callbacks', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ callbacks }),
    });
  const callback = {
    source: 'bandwidth',
    receivedAt: '2026-11-23T09:30:00.000Z',
    contentType: 'application/json',
    body: JSON.stringify(SEED),
    requestId: 'r-1',
  };

  it('takes a callback twice without any effect', async () => {
    expect((await forwarded([callback, callback])).json).toMatchObject({ results: [{}, {}] });
    expect((await forwarded([callback])).json).toEqual({ results: [{ outcome: 'ignored' }] });
  });

  it('never counts a callback as received in the future', async () => {
    expect((await forwarded([{ ...callback, receivedAt: '2999-01-01T00:00:00Z' }])).status).toBe(200);
    const { json } = await target.request(`/v1/participants/${SEED.participantId}/explain`, AUTHORIZED);
    expect(Date.parse(json.devices[0].steps[0].event.receivedAt)).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    ['not JSON', '{', 'malformed-body'],
    ['not valid', JSON.stringify({ ...SEED, participantId: '' }), 'invalid-fields'],
    ['of an unknown kind', JSON.stringify({ ...SEED, event: 'onMute' }), 'unknown-event'],
  ])('keeps a callback whose body is %s in the quarantine', async (_, body, reason) => {
    const { json } = await forwarded([{ ...callback, body }, callback]);
    expect(json.results).toEqual([{ outcome: 'refused', detail: expect.any(String) }, { outcome: 'applied' }]);
    expect((await target.request('/v1/quarantine', AUTHORIZED)).json.items).toMatchObject([{ reason }]);
  });

  const bad = { ...callback, body: '{' };
  const refused = { outcome: 'refused', detail: 'The body is not valid JSON.' };

  it('leaves a callback that it cannot put into the quarantine to the sender', async () => {
    const redis = await RedisServer.start('--appendonly', 'yes');
    const onSqlite = target;
    target = await startService({ access: ACCESS, redisUrl: redis.url });
    try {
      await redis.kill();
      const { json } = await forwarded([bad, { ...callback, source: 'nobody' }]);
      expect(json.results).toEqual([
        { outcome: 'unavailable', detail: 'It is not valid here, and could not be written to the quarantine.' },
        { outcome: 'unavailable', detail: 'The source nobody is not configured.' },
      ]);
      await redis.restart();
      await eventually(async () => expect((await forwarded([bad])).json.results).toEqual([refused]));
      expect((await target.request('/v1/quarantine', AUTHORIZED)).json.items).toHaveLength(1);
    } finally {
      await target.stop();
      await redis.stop();
      target = onSqlite;
    }
  });

  it('puts all refused callbacks of a request into the quarantine, with the id that is logged', async () => {
    expect((await forwarded([bad, callback, bad])).json.results).toEqual([refused, { outcome: 'applied' }, refused]);
    const { items } = (await target.request('/v1/quarantine', AUTHORIZED)).json;
    const logged = target.logged.filter(({ msg }) => msg === 'forwarded callback refused');
    expect(new Set(logged.map(({ quarantined }) => quarantined))).toEqual(
      new Set(items.map(({ id }: { id: string }) => id)),
    );
    expect(items).toHaveLength(2);
  });

  it('refuses a callback for good if there is no quarantine', async () => {
    const onSqlite = target;
    target = await startService({ access: ACCESS, quarantine: { maxCount: 0 } });
    try {
      expect((await forwarded([bad])).json.results).toEqual([refused]);
      expect((await target.request('/v1/quarantine', AUTHORIZED)).json.items).toEqual([]);
    } finally {
      await target.stop();
      target = onSqlite;
    }
  });

  it('says how long a body can be', async () => {
    const { json } = await forwarded([{ ...callback, body: 'x'.repeat(65_537) }]);
    expect(json.errors).toMatchObject([{ message: 'must have a body of at most 65,536 bytes' }]);
    const without = await forwarded([{ ...callback, body: undefined }]);
    expect(without.json.errors).toMatchObject([{ message: 'must have a body' }]);
  });

  it('needs a key with the scope admin', async () => {
    expect((await forwarded([callback], { authorization: 'Bearer nobody' })).status).toBe(401);
  });

  it.each<[string, unknown, string]>([
    ['no array', {}, '#/callbacks'],
    ['none', [], '#/callbacks'],
    ['too many', Array(65).fill(callback), '#/callbacks'],
    ['a number', [1], '#/callbacks/0'],
    ['an unknown member', [callback, { ...callback, more: 1 }], '#/callbacks/1'],
    ['no source', [{ ...callback, source: '' }], '#/callbacks/0'],
    ['a time that is not valid', [{ ...callback, receivedAt: 'today' }], '#/callbacks/0'],
    ['a content type that is not text', [{ ...callback, contentType: 1 }], '#/callbacks/0'],
    ['a body that is too long', [{ ...callback, body: 'x'.repeat(65_537) }], '#/callbacks/0'],
    ['no request id', [{ ...callback, requestId: undefined }], '#/callbacks/0'],
    ['a grant that is not valid', [{ ...callback, grant: { ref: 'short', expiresAtMs: 1 } }], '#/callbacks/0'],
    ['labels that are not valid', [{ ...callback, grant: { ...grant(), labels: { Call: '1' } } }], '#/callbacks/0'],
    ['a tag that is not valid', [{ ...callback, grant: { ...grant(), tag: 'a\0b' } }], '#/callbacks/0'],
  ])('refuses %s', async (_, callbacks, pointer) => {
    const { status, json } = await forwarded(callbacks);
    expect([status, json.errors[0].pointer]).toEqual([400, pointer]);
    expect((await received()).type).toBe('urn:rollcall:problem:unknown-participant');
  });

  it('refuses a body that is too large', async () => {
    expect((await forwarded(Array(10).fill({ ...callback, body: 'x'.repeat(60_000) }))).status).toBe(413);
  });

  function grant() {
    return { ref: 'nWZH7-xaSCAq13rOG_zfXQBrBVkY', expiresAtMs: Date.now() + 60_000 };
  }
});
