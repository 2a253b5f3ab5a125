// Labels over HTTP: given at minting, by a provider, by an operator; listed, counted, announced, and who is expected.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../src/domain/subject.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const NOW = Date.parse('2026-11-23T09:30:00.000Z');
const SECRET = 'a-callback-secret-of-32-characters-or-more';
const iso = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();

describe.each(onEachStore())('labels on %s', (_, start) => {
  let service: Service;
  let clock: ManualClock;
  const startWith = async (options: ServiceOptions = {}) => {
    service = await start({
      clock,
      indexedLabels: ['call', 'user'],
      access: { callbackSecrets: [SECRET], publicUrl: 'https://rollcall.example.com' },
      ...options,
    });
  };
  beforeEach(async () => {
    clock = new ManualClock(NOW);
    await startWith();
  });
  afterEach(() => service.stop());

  const get = async (path: string) => (await service.request(path)).json;
  const put = (id: string, labels: unknown, query = '') =>
    service.request(`/v1/participants/${id}/labels${query}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ labels }),
    });
  const callback = (event: string, participantId: string, path = `/callbacks/bandwidth/${SECRET}`) =>
    service.post(path, { ...SEED, event, participantId, deviceId: participantId, timestamp: clock.now() });
  const connect = (id: string) => callback('onConnect', id);
  const list = async (query: string): Promise<string[]> =>
    (await get(`/v1/participants?${query}`)).items.map(({ participantId }: typeof SEED) => participantId);
  /** Labels are indexed soon after the start. */
  const isIndexed = () =>
    eventually(async () => expect((await service.request('/v1/occupancy?label.call=x')).status).toBe(200));

  it('are set by an operator, and find and count participants', async () => {
    await isIndexed();
    for (const id of ['a', 'b', 'c']) expect((await connect(id)).status).toBe(204);
    expect((await put('a', { call: '42', user: 'u-7' })).status).toBe(204);
    expect((await put('b', { call: '42', user: 'u-8', other: 'x' })).status).toBe(204);
    expect((await put('c', { call: '43', user: 'u-7' })).status).toBe(204);
    expect(await get('/v1/participants/a')).toMatchObject({ state: 'connected', labels: { call: '42', user: 'u-7' } });
    expect(await list('label.call=42')).toEqual(['a', 'b']);
    expect(await list('label.user=u-7')).toEqual(['a', 'c']);
    expect(await list('label.call=42&label.user=u-7')).toEqual(['a']);
    expect(await list(`label.call=42&tag=${SEED.tag}`)).toEqual(['a', 'b']);
    expect(await list('label.call=42&tag=another')).toEqual([]);
    expect(await list('label.call=42&participantId=b')).toEqual(['b']);
    expect(await list('label.call=43&participantId=b')).toEqual([]);
    expect(await list('label.call=nobody')).toEqual([]);
    expect(await get('/v1/occupancy?label.call=42')).toMatchObject({ connected: 2, devices: 2 });
    expect((await callback('onLeave', 'a')).status).toBe(204);
    expect(await get('/v1/occupancy?label.call=42')).toMatchObject({ connected: 1, devices: 1 });
    expect(await list('label.call=42&state=gone')).toEqual(['a']);
  });

  it('list page by page, with a cursor that belongs to the labels', async () => {
    await isIndexed();
    for (const id of ['a', 'b', 'c']) {
      expect((await connect(id)).status).toBe(204);
      expect((await put(id, { call: '42', user: id })).status).toBe(204);
    }
    const first = await get('/v1/participants?label.call=42&limit=2');
    expect(await list(`label.call=42&limit=2&cursor=${first.nextCursor}`)).toEqual(['c']);
    const other = await service.request(`/v1/participants?label.user=a&limit=2&cursor=${first.nextCursor}`);
    expect(other.status).toBe(400);
  });

  it('move a participant from one group to another at once, as followers of both see', async () => {
    await isIndexed();
    expect((await connect('a')).status).toBe(204);
    expect((await put('a', { call: '42' })).status).toBe(204);
    const { position } = await get('/v1/changes');
    expect((await put('a', { call: '43' })).status).toBe(204);
    expect([await list('label.call=42'), await list('label.call=43')]).toEqual([[], ['a']]);
    const moved = {
      type: 'participant.updated',
      participantId: 'a',
      labels: { call: '43' },
      previousLabels: { call: '42' },
      at: null,
      receivedAt: iso(0),
    };
    const changes = async (query: string) => (await get(`/v1/changes?after=${position}&${query}`)).items;
    expect(await changes('')).toMatchObject([moved]);
    expect(await changes('label.call=42')).toMatchObject([moved]);
    expect(await changes('label.call=43')).toMatchObject([moved]);
    expect(await changes('label.call=44')).toEqual([]);
    expect(await changes('label.call=43&label.user=u-7')).toEqual([]);
    expect((await put('a', {})).status).toBe(204);
    expect(await changes('label.call=43')).toMatchObject([moved, { previousLabels: { call: '43' } }]);
    expect(await get('/v1/participants/a')).not.toHaveProperty('labels');
  });

  it('stream the changes of a label that is not indexed', async () => {
    const { position } = await get('/v1/changes');
    const abort = new AbortController();
    const url = `${service.url}/v1/changes/stream?after=${position}&label.team=red`;
    const response = await fetch(url, { signal: abort.signal });
    expect((await put('a', { team: 'blue' })).status).toBe(204);
    expect((await put('b', { team: 'red' })).status).toBe(204);
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"participantId":"b"')) break;
    }
    abort.abort();
    expect(text).toContain('event: participant.expected');
    expect(text).not.toContain('"participantId":"a"');
  });

  it('show who is expected, until they come or are taken back', async () => {
    await isIndexed();
    expect((await put('a', { call: '42' })).status).toBe(204);
    clock.advance(5_000);
    expect((await put('b', { call: '42' })).status).toBe(204);
    expect(await list('')).toEqual([]);
    expect(await list('state=expected')).toEqual(['a', 'b']);
    expect(await list('state=expected&label.call=42')).toEqual(['a', 'b']);
    expect(await get('/v1/participants/b')).toMatchObject({
      state: 'expected',
      since: iso(5),
      lastEventAt: iso(5),
      devices: [],
      labels: { call: '42' },
    });
    expect(await get('/v1/occupancy')).toMatchObject({ connected: 0, reconnecting: 0, devices: 0 });
    expect(await get('/v1/occupancy?label.call=42')).toMatchObject({ connected: 0, reconnecting: 0, devices: 0 });
    const { position } = await get('/v1/changes');
    expect((await connect('a')).status).toBe(204);
    expect(await list('label.call=42')).toEqual(['a']);
    expect((await put('b', {})).status).toBe(204);
    expect(await list('state=expected')).toEqual([]);
    const { items } = await get(`/v1/changes?after=${position}&types=participant.connected,participant.gone`);
    expect(items).toMatchObject([
      { participantId: 'a', previousState: 'expected', state: 'connected', labels: { call: '42' } },
      { participantId: 'b', previousState: 'expected', state: 'gone', cause: 'ended' },
    ]);
    const body = JSON.stringify({ availability: 'available' });
    const headers = { 'content-type': 'application/json' };
    expect((await put('c', { call: '42' })).status).toBe(204);
    const busy = await service.request('/v1/participants/c/availability', { method: 'PUT', headers, body });
    expect(busy.status).toBe(409);
    expect((await service.request('/v1/participants/c', { method: 'DELETE' })).status).toBe(204);
    expect((await get('/v1/participants/c')).state).toBe('gone');
  });

  it('leave who is gone gone', async () => {
    expect((await connect('a')).status).toBe(204);
    expect((await callback('onLeave', 'a')).status).toBe(204);
    expect((await put('a', { call: '42' })).status).toBe(204);
    expect(await get('/v1/participants/a')).toMatchObject({ state: 'gone', cause: 'left', labels: { call: '42' } });
  });

  it('are given when a URL is minted, below those of an operator', async () => {
    await isIndexed();
    const request = { source: 'bandwidth', labels: { call: '42', constructor: 'x' } };
    const { status, json } = await service.post('/v1/callback-urls', request);
    expect([status, json.labels]).toEqual([201, request.labels]);
    const { pathname } = new URL(json.callbackUrl);
    expect((await callback('onConnect', 'a', pathname)).status).toBe(204);
    expect(await list('label.call=42')).toEqual(['a']);
    expect((await put('a', { call: '43', user: 'u-7' })).status).toBe(204);
    expect((await get('/v1/participants/a')).labels).toEqual({ call: '43', constructor: 'x', user: 'u-7' });
    expect((await put('a', { user: 'u-7' })).status).toBe(204);
    expect((await get('/v1/participants/a')).labels).toEqual({ call: '42', constructor: 'x', user: 'u-7' });
    expect(await list('label.call=42')).toEqual(['a']);
  });

  it.each([
    [null, 'labels'],
    [undefined, 'labels'],
    [[], 'labels'],
    [{ Call: '42' }, 'labels'],
    [{ call: 42 }, 'labels/call'],
    [{ call: '' }, 'labels/call'],
    [{ call: 'x'.repeat(257) }, 'labels/call'],
    [Object.fromEntries('abcdefghi'.split('').map((name) => [name, '1'])), 'labels'],
  ])('are refused if they are %j', async (labels, pointer) => {
    const { status, json } = await put('a', labels);
    expect([status, json.errors]).toMatchObject([400, [{ pointer: `#/${pointer}` }]]);
    expect((await service.request('/v1/participants/a')).status).toBe(404);
    const minted = await service.post('/v1/callback-urls', { source: 'bandwidth', labels });
    if (labels !== undefined)
      expect([minted.status, minted.json.errors]).toMatchObject([400, [{ pointer: `#/${pointer}` }]]);
  });

  it.each([
    ['/v1/participants?label.team=red', 'label.team'],
    ['/v1/occupancy?label.team=red', 'label.team'],
    ['/v1/occupancy?label.call=1&label.user=2', 'label.user'],
    ['/v1/occupancy?label.call=1&tag=x', 'label.call'],
    ['/v1/participants?label.call=1&label.call=2', 'label.call'],
    ['/v1/participants?label.call=', 'label.call'],
    ['/v1/participants?label.Call=1', 'label.Call'],
    ['/v1/participants?label.=1', 'label.'],
    ['/v1/participants?label.__proto__=1', 'label.__proto__'],
    ['/v1/participants?label=1', 'label'],
    ['/v1/participants?labels=1', 'labels'],
    ['/v1/changes?label.call=1&label.call=2', 'label.call'],
    ['/v1/tags?label.call=1', 'label.call'],
    [
      `/v1/changes?${'abcdefghi'
        .split('')
        .map((name) => `label.${name}=1`)
        .join('&')}`,
      'label.a',
    ],
  ])('in %s are refused', async (path, name) => {
    const { status, json } = await service.request(path);
    expect([status, json.errors?.[0]?.pointer]).toEqual([400, `#/${name}`]);
  });

  it('of nobody cannot be taken back', async () => {
    const { status, json } = await put('nobody', {});
    expect([status, json.type]).toEqual([404, 'urn:rollcall:problem:unknown-participant']);
  });

  it('of somebody new are refused when the store is full', async () => {
    await service.stop();
    await startWith({ maxParticipants: 1 });
    expect((await connect('a')).status).toBe(204);
    const { status, json } = await put('b', { call: '42' });
    expect([status, json.type]).toEqual([503, 'urn:rollcall:problem:too-many-participants']);
    expect((await put('a', { call: '42' })).status).toBe(204);
  });

  it('of a participant in a scope are found by its id, too', async () => {
    await service.stop();
    await startWith({
      sources: [
        { name: BANDWIDTH, dialect: 'bandwidth' },
        { name: 'calls' as SourceName, dialect: 'bandwidth' },
      ],
    });
    expect((await put('a', { call: '42' }, '?source=calls&scope=r')).status).toBe(204);
    expect(await get('/v1/participants/a?source=calls&scope=r')).toMatchObject({ state: 'expected', scope: 'r' });
    expect(await list('state=expected&participantId=a')).toEqual(['a']);
    expect(await list('state=expected&scope=r')).toEqual(['a']);
  });
});

describe.each(onEachStore())('the index of labels on %s', (store, start) => {
  it('is built when the setting changes, and has everybody from before', async () => {
    const options = { redisPrefix: 'labels' };
    const dataDir = folder();
    const put = (service: Service, id: string) =>
      service.request(`/v1/participants/${id}/labels`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ labels: { call: '42', user: 'u-7' } }),
      });
    const before = await start({ ...options, ...(store === 'SQLite' && { dataDir }) });
    for (const id of ['a', 'b', 'c']) expect((await put(before, id)).status).toBe(204);
    expect((await before.request('/v1/participants?state=expected&label.call=42')).status).toBe(400);
    await before.stop();
    // The driver locks a file until its prepared statements are garbage-collected; a copy is not locked.
    const copyDir = folder();
    if (store === 'SQLite') copyFileSync(join(dataDir, 'rollcall.db'), join(copyDir, 'rollcall.db'));
    const after = await start({ ...options, ...(store === 'SQLite' && { dataDir: copyDir }), indexedLabels: ['call'] });
    await eventually(async () => {
      const { status, json } = await after.request('/v1/participants?state=expected&label.call=42');
      if (status !== 200) expect([status, json.type]).toEqual([503, 'urn:rollcall:problem:labels-not-indexed']);
      expect([status, json.items?.length]).toEqual([200, 3]);
    });
    await after.stop();
  });
});

const folders: string[] = [];
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rollcall-labels-'));
  folders.push(path);
  return path;
}
