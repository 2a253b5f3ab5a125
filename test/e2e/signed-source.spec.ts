// What a dialect can declare: settings, forms, signatures over the URL, its own acknowledgement. And a source that is not
// configured.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../src/domain/subject.js';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { formDialect, signUrl } from '../sources/form-source.js';
import { type Service, startService } from './service.js';

const KEYS = ['an-older-key', 'a-newer-key'];
const SECRET = 'a-secret-of-32-characters-or-more-for-tests';
const PUBLIC_URL = 'https://rollcall.example.com/webrtc';
const FORM = 'application/x-www-form-urlencoded';

describe('a source with settings, whose callbacks are signed forms', () => {
  let service: Service;
  beforeAll(async () => {
    const settings = { keys: KEYS, reasonlessEnd: 'left' };
    service = await startService({
      sources: [
        { name: BANDWIDTH, dialect: 'bandwidth' },
        { name: 'forms' as SourceName, dialect: 'form', settings },
      ],
      dialects: { bandwidth, form: formDialect, zoom: bandwidth },
      access: { callbackSecrets: [SECRET], publicUrl: PUBLIC_URL },
    });
  });
  afterAll(() => service.stop());

  const send = (
    fields: Record<string, string>,
    { key = KEYS[0] ?? '', path = '/callbacks/forms', type = FORM } = {},
  ) => {
    const body = new URLSearchParams({
      room: 'r1',
      user: 'ann',
      device: 'd1',
      at: '1790000000000',
      ...fields,
    }).toString();
    const headers = { 'content-type': type, 'x-signature': signUrl(key, PUBLIC_URL + path, body) };
    return service.request(path, { method: 'POST', headers, body });
  };
  const participant = async (id: string) =>
    (await service.request(`/v1/participants/${encodeURIComponent(id)}?source=forms&scope=r1`)).json;

  it.each(['/callbacks/forms', `/callbacks/forms/${SECRET}`, '/callbacks/forms?a=1&b=%20'])(
    'accepts forms at %s, and acknowledges them as the dialect says',
    async (path) => {
      const user = `Zoë + ${path}`;
      for (const [n, type] of [FORM, `${FORM}; charset=UTF-8`].entries()) {
        const { status, json } = await send({ event: 'joined', user, at: `179000000000${n}` }, { path, type });
        expect([status, json]).toEqual([200, {}]);
      }
      expect(await participant(user)).toMatchObject({ state: 'connected', tag: 'r1' });
    },
  );

  it('acknowledges an unknown event in the same way, and keeps it', async () => {
    const { status, json } = await send({ event: 'danced' });
    expect([status, json]).toEqual([200, {}]);
    expect(service.refusals.totals()).toContainEqual({ kind: 'callback', reason: 'unknown-event', count: 1 });
  });

  it('accepts each of its keys, and no other', async () => {
    expect((await send({ event: 'joined' }, { key: KEYS[1] ?? '' })).status).toBe(200);
    expect((await send({ event: 'joined', user: 'eve' }, { key: 'a-third-key' })).status).toBe(401);
    expect((await participant('eve')).status).toBe(404);
  });

  it('refuses a body that is not a form, or in another format', async () => {
    expect((await send({ event: 'joined' }, { type: 'application/json' })).status).toBe(415);
    const path = '/callbacks/forms';
    const body = 'event=joined&user=%ff';
    const headers = { 'content-type': FORM, 'x-signature': signUrl(KEYS[0] ?? '', PUBLIC_URL + path, body) };
    const { status, json } = await service.request(path, { method: 'POST', headers, body });
    expect([status, json.detail]).toEqual([400, 'The body is not a valid form.']);
  });
});

describe('a source that is not configured', () => {
  let service: Service;
  beforeAll(async () => {
    const dialects = { bandwidth, zoom: { ...bandwidth, paths: ['/events/joined'] as const } };
    service = await startService({ dialects, access: { callbackSecrets: [SECRET] } });
  });
  afterAll(() => service.stop());

  it.each(['', `/${SECRET}`, '/events/joined', `/${SECRET}/events/joined`].map((below) => `/callbacks/zoom${below}`))(
    'is refused at %s so that it is sent again',
    async (path) => {
      const { status, headers, json } = await service.post(path, {});
      expect([status, headers.get('retry-after'), json.type]).toEqual([
        503,
        '60',
        'urn:rollcall:problem:source-not-configured',
      ]);
      const init = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' };
      expect((await service.request(path, init)).status).toBe(503);
      expect((await service.request(path)).status).toBe(405);
    },
  );

  it('is not found if no dialect has its name', async () => {
    expect((await service.post(`/callbacks/acme/${SECRET}`, {})).status).toBe(404);
  });
});
