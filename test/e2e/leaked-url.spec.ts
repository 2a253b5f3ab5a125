// A leaked minted URL: whoever has it can affect only the participant of that URL.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { parsePosition } from '../../src/storage/feed-position.js';
import { changesAfter, entriesAfter } from '../contract/feed.js';
import { ManualClock } from '../manual-clock.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const KEY = 'key-of-the-admin';
const SECRET = 'a-callback-secret-of-32-characters-or-more';
const KEYS_AND_SECRETS = {
  access: {
    apiKeys: parseApiKeys(`admin:read+admin:${digestOf(KEY).toString('hex')}`),
    callbackSecrets: [SECRET],
    publicUrl: 'https://rollcall.example.com',
  },
} satisfies ServiceOptions;
const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
const T0 = 1_790_000_000_000;

/** Mints a URL and returns its path. */
async function mint(service: Service): Promise<string> {
  const body = JSON.stringify({ source: 'bandwidth' });
  const { json } = await service.request('/v1/callback-urls', { method: 'POST', headers: HEADERS, body });
  return new URL(json.callbackUrl).pathname;
}

const get = async (service: Service, path: string) => (await service.request(path, { headers: HEADERS })).json;

describe.each(onEachStore())('a minted URL on %s', (_, start) => {
  let clock: ManualClock;
  let service: Service;
  beforeEach(() => {
    clock = new ManualClock(T0);
  });
  afterEach(() => service.stop());

  const send = (path: string, contentType = 'application/json', parts: Record<string, unknown> = {}) =>
    service.request(path, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: JSON.stringify({ ...SEED, timestamp: clock.now(), ...parts }),
    });
  const refusedFor = (reason: string) => service.logged.filter((line) => line.reason === reason);

  // Callbacks count against the limit whatever the parameters of their content type.
  it.each(['application/json', 'application/json; charset=utf-8'])(
    'has its own limit of callbacks per minute, valid or not, of type %s',
    async (contentType) => {
      service = await start({ ...KEYS_AND_SECRETS, clock, http: { callbacksPerMinutePerUrl: 3 } });
      const [path, another] = [await mint(service), await mint(service)];
      expect((await send(path, contentType)).status).toBe(204);
      expect((await send(path, contentType, { timestamp: 'now' })).status).toBe(400);
      expect((await send(path, contentType, { event: 'onSneeze' })).status).toBe(202);
      clock.advance(20_000);
      const { status, headers, json } = await send(path, contentType);
      expect([status, headers.get('retry-after')]).toEqual([429, '40']);
      expect(json.type).toBe('urn:rollcall:problem:too-many-requests');
      expect(refusedFor('too-many-callbacks')).toMatchObject([{ level: 40, status: 429, ref: path.split(/[/.]/)[3] }]);
      expect(service.refusals.totals()).toContainEqual({ kind: 'callback', reason: 'too-many-callbacks', count: 1 });
      expect((await send(another, contentType)).status).toBe(204);
      for (let n = 0; n < 5; n += 1)
        expect((await send(`/callbacks/bandwidth/${SECRET}`, contentType)).status).toBe(204);
      clock.advance(40_000);
      expect((await send(path, contentType)).status).toBe(204);
    },
  );

  it('accepts any number of callbacks when the limit is 0', async () => {
    service = await start({ ...KEYS_AND_SECRETS, clock, http: { callbacksPerMinutePerUrl: 0 } });
    const path = await mint(service);
    for (let n = 0; n < 20; n += 1) expect((await send(path)).status).toBe(204);
  });

  it('uses no more than its quota of the feed, so that the changes of others are kept', async () => {
    const participantBytes = 64 * 1024;
    const feed = { maxBytes: 1024 * 1024, participantBytes };
    service = await start({ ...KEYS_AND_SECRETS, clock, feed, http: { callbacksPerMinutePerUrl: 0 } });
    const path = await mint(service);
    const honest = (n: number) => send(`/callbacks/bandwidth/${SECRET}`, undefined, { participantId: `honest${n}` });
    const { position } = await get(service, '/v1/changes');
    const statuses = new Set<number>();
    let sent = 0;
    for (let round = 0; round < 20; round += 1) {
      const flood = Array.from({ length: 100 }, () => {
        sent += 1;
        const parts = {
          deviceId: `${sent}`.padEnd(256, '.'),
          timestamp: clock.now() + sent,
          tag: `${sent}`.padEnd(1_000, '€'),
        };
        return send(path, undefined, parts);
      });
      for (const { status } of await Promise.all(flood)) statuses.add(status);
      expect((await honest(round)).status).toBe(204);
      // The feed is trimmed during this time.
      clock.advance(5_000);
    }
    expect(statuses).toEqual(new Set([204, 429]));
    expect(refusedFor('feed-quota-exceeded')[0]).toMatchObject({ status: 429, participantId: SEED.participantId });
    const after = parsePosition(position) ?? [];
    const entries = await entriesAfter(service.storage.feed, after);
    const bytes = entries.reduce((sum, { changes }) => sum + Buffer.byteLength(changes), 0);
    // Callbacks in progress when the quota was exhausted are announced as well, up to one round of them.
    expect(bytes).toBeLessThanOrEqual(2 * participantBytes + 100 * 8_000);
    const changes = await changesAfter(service.storage.feed, after);
    const arrivals = changes.filter(
      ({ type, subject }) => type === 'participant.connected' && subject.participantId !== SEED.participantId,
    );
    expect(arrivals).toHaveLength(20);
    expect((await honest(20)).status).toBe(204);
    clock.advance(3_600_000 * 24);
    expect((await send(path)).status).toBe(204);
  });
});
