// Availability over HTTP: reported by a provider, set by a backend, listed, counted and announced.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../src/domain/subject.js';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { formDialect, signUrl } from '../sources/form-source.js';
import type { Service } from './service.js';
import { onEachStore } from './stores.js';

const KEY = 'a-signing-key';
const PUBLIC_URL = 'https://rollcall.example.com';
const NOW = Date.parse('2026-11-23T09:30:00.000Z');
const iso = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();

describe.each(onEachStore())('availability on %s', (_, start) => {
  let service: Service;
  let clock: ManualClock;
  beforeEach(async () => {
    clock = new ManualClock(NOW);
    service = await start({
      clock,
      sources: [
        { name: 'forms' as SourceName, dialect: 'form', settings: { keys: [KEY], reasonlessEnd: 'left' } },
        { name: BANDWIDTH, dialect: 'bandwidth' },
      ],
      dialects: { bandwidth, form: formDialect },
      access: { publicUrl: PUBLIC_URL },
    });
  });
  afterEach(() => service.stop());

  /** `at`: in seconds from the start of the test. */
  async function report(event: string, user: string, at: number, room = 'support'): Promise<void> {
    const body = new URLSearchParams({ room, user, device: user, event, at: String(NOW + at * 1_000) }).toString();
    const path = '/callbacks/forms';
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-signature': signUrl(KEY, PUBLIC_URL + path, body),
    };
    expect((await service.request(path, { method: 'POST', headers, body })).status).toBe(200);
  }
  const put = (user: string, body: object, query = '?scope=support') =>
    service.request(`/v1/participants/${user}/availability${query}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const get = async (path: string) => (await service.request(path)).json;
  const participant = (user: string) => get(`/v1/participants/${user}?scope=support`);
  const list = async (query: string) => {
    const { items, nextCursor } = await get(`/v1/participants?${query}`);
    return { ids: items.map((item: { participantId: string }) => item.participantId), nextCursor };
  };
  const LONGEST = 'tag=support&availability=available&order=longest-available';

  /** Five agents, who became available in the order of c, a, d; b is busy, and of e nothing is known. */
  async function aTeam(): Promise<void> {
    for (const [n, user] of ['a', 'b', 'c', 'd', 'e'].entries()) await report('joined', user, -600 + n);
    await report('available', 'c', -500);
    await report('available', 'a', -400);
    await report('available', 'd', -300);
    await report('busy', 'b', -200);
    await report('joined', 'other', -600, 'sales');
    await report('available', 'other', -590, 'sales');
  }

  it('answers who of a team has waited longest, page by page', async () => {
    await aTeam();
    expect((await list(`${LONGEST}&limit=3`)).ids).toEqual(['c', 'a', 'd']);
    const first = await list(`${LONGEST}&limit=2`);
    expect(first.ids).toEqual(['c', 'a']);
    expect(await list(`${LONGEST}&limit=2&cursor=${first.nextCursor}`)).toEqual({ ids: ['d'], nextCursor: undefined });
    expect((await list('availability=available')).ids).toEqual(['other', 'c', 'a', 'd']);
    expect((await list('tag=support&availability=busy')).ids).toEqual(['b']);
    expect((await list('scope=support&availability=unknown')).ids).toEqual(['e']);
    expect((await list('scope=support&tag=support&availability=available')).ids).toEqual(['c', 'a', 'd']);
    expect((await list('doubtful=true&availability=available')).ids).toEqual([]);
    expect((await list('participantId=a&availability=available')).ids).toEqual(['a']);
    expect((await list('participantId=a&availability=busy')).ids).toEqual([]);
    await report('busy', 'c', -10);
    await report('left', 'a', -5);
    expect((await list(LONGEST)).ids).toEqual(['d']);
  });

  it('is part of a participant, of occupancy and of tags', async () => {
    await aTeam();
    expect(await participant('a')).toMatchObject({ availability: 'available', availableSince: iso(-400) });
    expect(await participant('b')).toMatchObject({ availability: 'busy' });
    expect(await participant('b')).not.toHaveProperty('availableSince');
    expect(await participant('e')).toMatchObject({ availability: 'unknown' });
    expect(await get('/v1/occupancy?tag=support')).toMatchObject({ connected: 5, available: 3, busy: 1 });
    expect((await get('/v1/tags')).items).toMatchObject([
      { tag: 'sales', connected: 1, available: 1, busy: 0 },
      { tag: 'support', connected: 5, available: 3, busy: 1 },
    ]);
  });

  it('is announced', async () => {
    await report('joined', 'a', -600);
    const { position } = await get('/v1/changes');
    await report('available', 'a', -400);
    await report('available', 'a', -300);
    await report('busy', 'a', -200);
    const { items } = await get(`/v1/changes?after=${position}`);
    const update = { type: 'participant.updated', participantId: 'a', state: 'connected', previousState: 'connected' };
    expect(items).toEqual([
      expect.objectContaining({ ...update, availability: 'available', availableSince: iso(-400), at: iso(-400) }),
      expect.objectContaining({ ...update, availability: 'busy', at: iso(-200) }),
    ]);
    expect(items[1]).not.toHaveProperty('availableSince');
  });

  it('can be set by a backend, also for a time', async () => {
    await report('joined', 'a', -600);
    expect((await put('a', { availability: 'available' })).status).toBe(204);
    expect(await participant('a')).toMatchObject({ availability: 'available', availableSince: iso(0) });
    clock.advance(10_000);
    expect((await put('a', { availability: 'busy', until: iso(60) })).status).toBe(204);
    expect(await participant('a')).toMatchObject({ availability: 'busy' });
    const { position } = await get('/v1/changes');
    clock.advance(50_000);
    await eventually(async () =>
      expect(await participant('a')).toMatchObject({ availability: 'available', availableSince: iso(60) }),
    );
    const { items } = await get(`/v1/changes?after=${position}`);
    expect(items).toMatchObject([{ type: 'participant.updated', availability: 'available', at: null }]);
    await report('busy', 'a', 61);
    expect(await participant('a')).toMatchObject({ availability: 'busy' });
    expect((await put('a', { availability: 'unknown' })).status).toBe(204);
    expect(await participant('a')).toMatchObject({ availability: 'unknown' });
  });

  it('cannot be set of a participant who is gone or unknown', async () => {
    await report('joined', 'a', -600);
    await report('left', 'a', -500);
    const problem = async (user: string) => {
      const { status, json } = await put(user, { availability: 'busy' });
      return [status, json.type];
    };
    expect(await problem('a')).toEqual([409, 'urn:rollcall:problem:participant-gone']);
    expect(await problem('nobody')).toEqual([404, 'urn:rollcall:problem:unknown-participant']);
  });

  it.each([
    [{}, 'availability'],
    [{ availability: 'away' }, 'availability'],
    [{ availability: 'busy', until: 'soon' }, 'until'],
    [{ availability: 'busy', until: null }, 'until'],
    [{ availability: 'busy', until: iso(0) }, 'until'],
    [{ availability: 'busy', untilMs: 5 }, 'untilMs'],
  ])('cannot be set with %j', async (body, name) => {
    await report('joined', 'a', -600);
    const { status, json } = await put('a', body);
    expect([status, json.errors]).toEqual([400, [{ pointer: `#/${name}`, message: expect.any(String) }]]);
    expect(await participant('a')).toMatchObject({ availability: 'unknown' });
  });

  it.each([
    ['availability=free', 'availability'],
    ['availability=available&state=gone', 'availability'],
    ['availability=busy&state=reconnecting', 'availability'],
    ['order=longest-available', 'order'],
    ['order=longest-available&availability=busy', 'order'],
    ['order=oldest&availability=available', 'order'],
    ['order=longest-available&availability=available&participantId=a', 'order'],
  ])('cannot be listed with %s', async (query, name) => {
    const { status, json } = await service.request(`/v1/participants?${query}`);
    expect([status, json.errors]).toEqual([400, [{ pointer: `#/${name}`, message: expect.any(String) }]]);
  });

  it('is not listed with the cursor of another availability', async () => {
    await aTeam();
    const { nextCursor } = await list('availability=available&limit=1');
    expect((await service.request(`/v1/participants?availability=busy&cursor=${nextCursor}`)).status).toBe(400);
    expect((await service.request(`/v1/participants?cursor=${nextCursor}`)).status).toBe(400);
  });
});
