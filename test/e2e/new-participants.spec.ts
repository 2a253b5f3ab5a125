// Limits on the participants that a leaked callback secret can create.
import { afterEach, describe, expect, it } from '@jest/globals';
import { mintToken } from '../../src/sources/authentication/callback-token.js';
import { ManualClock } from '../manual-clock.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const NOW_MS = Date.parse('2026-11-23T12:00:00Z');
const SECRETS = ['first-secret-of-32-characters-or-more', 'second-secret-of-32-characters-or-more'] as const;
const [FIRST, SECOND] = SECRETS.map((secret) => `/callbacks/bandwidth/${secret}`) as [string, string];

describe.each(onEachStore())('callbacks of new participants on %s', (_, startOn) => {
  let service: Service;
  let clock: ManualClock;
  const start = async (options: ServiceOptions) => {
    clock = new ManualClock(NOW_MS);
    service = await startOn({ clock, ...options });
  };
  afterEach(() => service.stop());

  const post = (path: string, participantId: string, parts = {}) =>
    service.post(path, { ...SEED, timestamp: NOW_MS, participantId, ...parts });
  const statuses = async (path: string, participants: string[]) => {
    const answers = [];
    for (const participant of participants) answers.push((await post(path, participant)).status);
    return answers;
  };
  const mintedBy = (secret: string) => {
    const { token } = mintToken('bandwidth', secret, { expiresAtMs: NOW_MS + 3_600_000, tag: undefined });
    return `/callbacks/bandwidth/${token}`;
  };

  it('are answered with 503 when the participant limit is reached; those of known participants are still accepted', async () => {
    await start({ maxParticipants: 2 });
    expect(await statuses('/callbacks/bandwidth', ['a', 'b', 'c', 'a'])).toEqual([204, 204, 503, 204]);
    const { json, headers } = await post('/callbacks/bandwidth', 'c');
    expect(json).toMatchObject({ type: 'urn:rollcall:problem:too-many-participants', status: 503 });
    expect(headers.get('retry-after')).toBe('60');
    const requestId = json.instance.split(':').at(-1);
    const line = { level: 40, msg: 'callback refused', reason: 'too-many-participants', requestId };
    expect(service.logged).toContainEqual(expect.objectContaining(line));
    const slow = await service.request('/callbacks/bandwidth', {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ ...SEED, participantId: 'c' }),
    });
    expect(slow.json).toMatchObject({ type: json.type });
    expect((await post('/callbacks/bandwidth', 'b', { event: 'onLeave', timestamp: NOW_MS + 1 })).status).toBe(204);
    expect((await service.request('/v1/participants/b')).json).toMatchObject({ state: 'gone', cause: 'left' });
    expect((await service.request('/v1/participants/c')).status).toBe(404);
    expect((await service.request('/v1/participants?source=bandwidth', { method: 'DELETE' })).json.purged).toBe(2);
    expect((await post('/callbacks/bandwidth', 'c')).status).toBe(204);
  });

  it('are answered with 429 when a secret has reached its limit of new participants per minute', async () => {
    await start({ access: { callbackSecrets: SECRETS, newParticipantsPerMinute: 2 } });
    expect(await statuses(FIRST, ['a', 'b', 'c', 'a', 'b'])).toEqual([204, 204, 429, 204, 204]);
    const { json, headers } = await post(FIRST, 'd');
    expect(json).toMatchObject({ type: 'urn:rollcall:problem:too-many-requests', status: 429 });
    expect(headers.get('retry-after')).toBe('60');
    const requestId = json.instance.split(':').at(-1);
    const line = { level: 40, reason: 'too-many-new-participants', secretNumber: 1, requestId };
    expect(service.logged).toContainEqual(expect.objectContaining(line));
    expect(JSON.stringify(service.logged)).not.toContain(SECRETS[0]);
    expect(await statuses(SECOND, ['d', 'e', 'f', 'a'])).toEqual([204, 204, 429, 204]);
    clock.advance(60_000);
    expect(await statuses(FIRST, ['g', 'h', 'i'])).toEqual([204, 204, 429]);
  });

  it('are counted per secret, whether it is in the path, a password or used to mint a URL', async () => {
    await start({ access: { callbackSecrets: SECRETS, newParticipantsPerMinute: 3 } });
    const basic = Buffer.from(`rollcall:${SECRETS[1]}`).toString('base64');
    const byPassword = (participantId: string) =>
      service.request('/callbacks/bandwidth', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Basic ${basic}` },
        body: JSON.stringify({ ...SEED, participantId }),
      });
    const url = mintedBy(SECRETS[1]);
    expect(await statuses(url, ['a', 'a'])).toEqual([204, 204]);
    expect((await byPassword('b')).status).toBe(204);
    expect(await statuses(SECOND, ['c', 'd'])).toEqual([204, 429]);
    expect((await byPassword('e')).status).toBe(429);
    expect(await statuses(mintedBy(SECRETS[1]), ['f'])).toEqual([429]);
    expect(await statuses(url, ['a'])).toEqual([204]);
    expect(await statuses(mintedBy(SECRETS[0]), ['f'])).toEqual([204]);
  });

  it('are accepted if a concurrent callback with another secret is within its limit', async () => {
    await start({ access: { callbackSecrets: SECRETS, newParticipantsPerMinute: 1 } });
    expect(await statuses(FIRST, ['a'])).toEqual([204]);
    const answers = await Promise.all([post(FIRST, 'b'), post(SECOND, 'b', { deviceId: 'd2' })]);
    expect(answers[1].status).toBe(204);
    expect(await statuses(FIRST, ['b', 'c'])).toEqual([204, 429]);
  });

  it('are not counted without secrets, or when the limit is 0', async () => {
    await start({ access: { newParticipantsPerMinute: 1 } });
    expect(await statuses('/callbacks/bandwidth', ['a', 'b', 'c'])).toEqual([204, 204, 204]);
    await service.stop();
    await start({ access: { callbackSecrets: SECRETS, newParticipantsPerMinute: 0 } });
    expect(await statuses(FIRST, ['a', 'b', 'c'])).toEqual([204, 204, 204]);
  });
});
