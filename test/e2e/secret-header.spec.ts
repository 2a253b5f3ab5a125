// A provider that signs nothing but sends a secret in a header: 100ms. Without such a secret, the URL has one.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { eventually } from '../eventually.js';
import { type Service, startService } from './service.js';

const [FIRST, NEXT, SECOND] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [string, string, string];
const URL_SECRET = 'a-callback-secret-of-32-characters-or-more';
const ENVIRONMENT = {
  SOURCES: 'first=hms,second=hms,plain=hms',
  SOURCE_FIRST_CALLBACK_HEADER: `X-Rollcall-Secret: ${NEXT},${FIRST}`,
  SOURCE_SECOND_CALLBACK_HEADER: `X-Second: ${SECOND}`,
};

const callback = (type: string, user: string, data: object = {}) => ({
  id: `${type}-${user}`,
  type,
  data: {
    room_id: 'room',
    user_id: user,
    peer_id: `peer-${user}`,
    joined_at: new Date(Date.now() - 1_000).toISOString(),
    left_at: new Date().toISOString(),
    reason: 'client request',
    ...data,
  },
});

describe('callbacks of 100ms', () => {
  let service: Service;
  beforeAll(async () => {
    const { sources } = readConfig(DIALECTS, ENVIRONMENT);
    const access = { callbackSecrets: [URL_SECRET], publicUrl: 'https://rollcall.example.com' };
    service = await startService({ sources, access, logLevel: 'trace' });
  });
  afterAll(() => service.stop());

  const send = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    service.request(`/callbacks/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const stateOf = async (user: string, source = 'first') =>
    (await service.request(`/v1/participants/${user}?source=${source}&scope=room`)).json.state;
  const feed = async () => (await service.request('/v1/changes')).json.position;

  it('need nothing but the header, with any of its secrets', async () => {
    expect((await send('first', callback('peer.join.success', 'ann'), { 'X-Rollcall-Secret': FIRST })).status).toBe(
      200,
    );
    expect(await stateOf('ann')).toBe('connected');
    expect((await send('first', callback('peer.leave.success', 'ann'), { 'x-rollcall-secret': NEXT })).status).toBe(
      200,
    );
    expect(await stateOf('ann')).toBe('gone');
    expect((await send('second', callback('peer.join.success', 'ann'), { 'x-second': SECOND })).status).toBe(200);
    expect(await stateOf('ann', 'second')).toBe('connected');
    const both = await send(`first/${URL_SECRET}`, callback('peer.join.success', 'bob'), {
      'x-rollcall-secret': FIRST,
    });
    expect(both.status).toBe(200);
  });

  it('are refused without it, and not logged', async () => {
    const position = await feed();
    const body = callback('peer.join.success', 'mallory');
    const refused = [
      await send('first', body),
      await send(`first/${URL_SECRET}`, body),
      await send('first', body, { 'x-rollcall-secret': SECOND }),
      await send('first', body, { 'x-rollcall-secret': FIRST.slice(1) }),
      await send('first', body, { 'x-rollcall-secret': `${FIRST}, ${FIRST}` }),
      await send('first', body, { 'x-rollcall-secret': URL_SECRET }),
      await send('second', body, { 'x-rollcall-secret': SECOND }),
      await send('second', body, { 'x-second': FIRST }),
      await send('plain', body, { 'x-rollcall-secret': FIRST }),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
    const wrongToken = await send('first/a-wrong-secret', body, { 'x-rollcall-secret': FIRST });
    expect(wrongToken.status).toBe(404);
    expect(await feed()).toBe(position);
    expect((await service.request('/v1/quarantine')).json.items).toEqual([]);
    const reasons = service.refusals.totals().map(({ reason }) => reason);
    expect(reasons).toEqual(expect.arrayContaining(['no-credentials', 'wrong-secret']));
    const log = JSON.stringify(service.logged);
    for (const secret of [FIRST, SECOND, URL_SECRET, 'mallory']) expect(log).not.toContain(secret);
  });

  it('need a secret in the URL, or Basic credentials, if the source has no secrets for the header', async () => {
    const body = callback('peer.join.success', 'carl');
    expect((await send('plain', body)).status).toBe(401);
    expect((await send(`plain/${URL_SECRET}`, body)).status).toBe(200);
    expect(await stateOf('carl', 'plain')).toBe('connected');
    const basic = { authorization: `Basic ${btoa(`x:${URL_SECRET}`)}` };
    expect((await send('plain', callback('peer.leave.success', 'carl'), basic)).status).toBe(200);
    expect(await stateOf('carl', 'plain')).toBe('gone');
    const { json } = await service.post('/v1/callback-urls', { source: 'plain' });
    const minted = new URL(json.callbackUrl).pathname.replace('/callbacks/', '');
    expect((await send(minted, callback('peer.join.success', 'dora'))).status).toBe(200);
    expect((await send(minted, callback('peer.join.success', 'eve'))).status).toBe(403);
  });

  it('are refused, ignored or kept like those of all sources', async () => {
    const headers = { 'x-rollcall-secret': FIRST };
    const join = callback('peer.join.success', 'finn');
    expect((await send('first', join, { ...headers, 'content-type': 'text/plain' })).status).toBe(415);
    expect((await send('first', '{', headers)).status).toBe(400);
    expect((await send('first', callback('peer.join.success', 'finn', { peer_id: 7 }), headers)).status).toBe(400);
    expect((await send('first', callback('session.close.success', 'finn'), headers)).status).toBe(200);
    expect((await send('first', callback('peer.teleport.success', 'finn'), headers)).status).toBe(200);
    await eventually(async () => {
      const { items } = (await service.request('/v1/quarantine?reason=unknown-event')).json;
      expect(items).toMatchObject([{ source: 'first', reason: 'unknown-event' }]);
    });
    expect(await stateOf('finn')).toBeUndefined();
  });

  it('need no secret in the URL, or at the start, if all sources have the header', () => {
    const exposed = { ...ENVIRONMENT, HOST: '0.0.0.0', API_KEYS: `ops:read:${'0'.repeat(64)}` };
    expect(() => readConfig(DIALECTS, exposed)).toThrow('set CALLBACK_SECRETS');
    expect(readConfig(DIALECTS, { ...exposed, SOURCES: 'first=hms,second=hms' }).sources).toHaveLength(2);
    const invalid = { ...exposed, SOURCE_FIRST_CALLBACK_HEADER: 'X-Rollcall-Secret: hunter2' };
    expect(() => readConfig(DIALECTS, invalid)).toThrow('SOURCE_FIRST_CALLBACK_HEADER must be');
    expect(() => readConfig(DIALECTS, invalid)).not.toThrow('hunter2');
  });
});
