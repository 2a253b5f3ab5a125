// Purging: how an operator removes what was stored with a leaked secret.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import type { DeviceId } from '../../src/domain/lifecycle-event.js';
import { Recorder } from '../../src/presence/write/recorder.js';
import { subjectOf } from '../domain/builders.js';
import { ManualClock } from '../manual-clock.js';
import { type Service } from './service.js';
import { onEachStore } from './stores.js';

const NOW_MS = Date.parse('2026-11-23T12:00:00Z');
const entryOf = (name: string, scopes: string) => `${name}:${scopes}:${digestOf(`key-of-${name}`).toString('hex')}`;
const API_KEYS = parseApiKeys([entryOf('reader', 'read'), entryOf('ops', 'read+admin')].join());
const ALL = '/v1/participants?state=connected,reconnecting,gone&limit=1000';

describe.each(onEachStore())('a purge on %s', (_, startOn) => {
  let service: Service;
  let clock: ManualClock;
  let position: string;
  beforeEach(async () => {
    clock = new ManualClock(NOW_MS);
    service = await startOn({ clock, access: { apiKeys: API_KEYS } });
    position = (await get('/v1/changes')).json.position;
  });
  afterEach(() => service.stop());

  const get = (path: string) => service.request(path, { headers: { authorization: 'Bearer key-of-ops' } });
  const purge = (query: string, key = 'ops') =>
    service.request(`/v1/participants?${query}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer key-of-${key}` },
    });
  const send = async (participantId: string, tag: string, event = 'onConnect') => {
    const parts = { participantId, tag, event, timestamp: clock.now() };
    expect((await service.callback(parts)).status).toBe(204);
  };
  const ids = async () =>
    (await get(ALL)).json.items.map(({ participantId }: { participantId: string }) => participantId).sort();
  const at = (afterMs: number) => new Date(NOW_MS + afterMs).toISOString();

  it('by tag removes the participants with that tag, and announces those who were present', async () => {
    await send('present', 'red');
    await send('reconnecting', 'red');
    await send('left', 'red');
    await send('other', 'blue');
    clock.advance(1);
    await send('reconnecting', 'red', 'onDisconnect');
    await send('left', 'red', 'onLeave');
    position = (await get('/v1/changes')).json.position;
    expect((await purge('tag=red')).json).toEqual({ matched: 3, purged: 3 });
    expect(await ids()).toEqual(['other']);
    expect((await get('/v1/participants/present')).status).toBe(404);
    expect((await get('/v1/occupancy')).json).toMatchObject({ connected: 1, reconnecting: 0, devices: 1 });
    expect((await get('/v1/tags')).json.items).toMatchObject([{ tag: 'blue' }]);
    const { items } = (await get(`/v1/changes?after=${position}&types=participant.gone`)).json;
    const announced = items.map(({ participantId, cause, tag }: Record<string, string>) => [participantId, cause, tag]);
    expect(announced.sort()).toEqual([
      ['present', 'ended', 'red'],
      ['reconnecting', 'ended', 'red'],
    ]);
    expect((await purge('tag=red')).json).toEqual({ matched: 0, purged: 0 });
  });

  it('by time removes participants whose last event was received then, whatever the time of the event', async () => {
    await send('before', 'red');
    await send('later-too', 'red');
    clock.advance(1_000);
    const forged = { participantId: 'forged', timestamp: '1628786234676', tag: 'red' };
    await service.callback(forged);
    clock.advance(999);
    await send('within', 'red');
    clock.advance(1);
    await send('later-too', 'red', 'onDisconnect');
    await send('after', 'red');
    expect((await purge(`since=${at(1_000)}&until=${at(2_000)}`)).json).toEqual({ matched: 2, purged: 2 });
    expect(await ids()).toEqual(['after', 'before', 'later-too']);
    expect((await purge(`since=${at(2_000)}&source=bandwidth&tag=blue`)).json.matched).toBe(0);
    expect((await purge(`since=${encodeURIComponent('2026-11-23T13:00:02+01:00')}&tag=red`)).json.purged).toBe(2);
    expect(await ids()).toEqual(['before']);
  });

  it('by time uses the last event received from the provider, not an end by an operator', async () => {
    await send('ghost', 'red');
    clock.advance(5_000);
    const headers = { authorization: 'Bearer key-of-ops' };
    expect((await service.request('/v1/participants/ghost', { method: 'DELETE', headers })).status).toBe(204);
    expect((await purge(`since=${at(1)}`)).json.matched).toBe(0);
    expect((await purge(`since=${at(0)}`)).json).toEqual({ matched: 1, purged: 1 });
  });

  it('only counts participants in a dry run', async () => {
    await send('a', 'red');
    await send('b', 'red');
    position = (await get('/v1/changes')).json.position;
    expect((await purge('source=bandwidth&dryRun=true')).json).toEqual({ matched: 2, purged: 0 });
    expect(await ids()).toEqual(['a', 'b']);
    expect((await get(`/v1/changes?after=${position}`)).json.items).toEqual([]);
    expect((await purge('source=bandwidth&dryRun=false')).json).toEqual({ matched: 2, purged: 2 });
  });

  it('examines 1,000 participants at a time, and all of them when repeated', async () => {
    const recorder = service.app.get(Recorder, { strict: false });
    const events = Array.from({ length: 2_100 }, (_unused, n) => ({
      subject: subjectOf({ participant: `p${n}` }),
      deviceId: 'd1' as DeviceId,
      kind: 'connected' as const,
      occurredAtMs: NOW_MS + (n % 7),
      receivedAtMs: NOW_MS,
      precisionMs: 1 as const,
      tag: n % 3 === 0 ? 'red' : 'blue',
    }));
    await Promise.all(events.map((event) => recorder.record(event)));
    for (const dryRun of [true, false]) {
      const answers = [(await purge(`since=${at(0)}&tag=red&dryRun=${dryRun}`)).json];
      expect(answers).toEqual([{ matched: 700, purged: dryRun ? 0 : 700 }]);
    }
    const answers = [];
    for (let cursor = ''; ; cursor = `&cursor=${answers.at(-1).nextCursor}`) {
      answers.push((await purge(`since=${at(0)}${cursor}`)).json);
      if (!answers.at(-1).nextCursor) break;
    }
    expect(answers.map(({ matched, purged }) => [matched, purged])).toEqual([
      [1_000, 1_000],
      [400, 400],
    ]);
    expect(await ids()).toEqual([]);
    expect(await service.storage.records.size()).toBe(0);
  });

  it('is logged with the API key and the filters', async () => {
    await send('a', 'red');
    await purge(`tag=red&since=${at(0)}`);
    expect(service.logged).toContainEqual(
      expect.objectContaining({
        msg: 'an operator asked to purge participants',
        key: 'ops',
        requestId: expect.any(String),
        tag: 'red',
        since: at(0),
        dryRun: false,
        matched: 1,
        purged: 1,
      }),
    );
  });

  it('does not prevent a participant from returning with its next event', async () => {
    await send('a', 'red');
    await purge('tag=red');
    clock.advance(1);
    await send('a', 'red', 'onDisconnect');
    expect((await get('/v1/participants/a')).json).toMatchObject({ state: 'reconnecting' });
  });

  it.each([
    ['', ''],
    ['dryRun=true', ''],
    [`until=${at(0)}`, ''],
    ['tag=', 'tag'],
    ['source=', 'source'],
    ['source=zoom', 'source'],
    ['since=', 'since'],
    ['since=yesterday', 'since'],
    ['since=2026-02-30T00:00:00Z', 'since'],
    [`since=${at(0)}&since=${at(1)}`, 'since'],
    [`since=${at(1)}&until=${at(1)}`, 'until'],
    ['tag=red&dryRun=yes', 'dryRun'],
    ['tag=red&dryrun=true', 'dryrun'],
    ['tag=red&state=gone', 'state'],
    ['tag=red&cursor=nonsense', 'cursor'],
  ])('with the invalid query %p is rejected and purges no one', async (query, name) => {
    await send('a', 'red');
    const { status, json } = await purge(query);
    expect([status, json.errors[0].pointer]).toEqual([400, name === '' ? '#' : `#/${name}`]);
    expect(await ids()).toEqual(['a']);
  });

  it('requires the scope admin, and accepts a cursor only with the same filters', async () => {
    await send('a', 'red');
    expect((await purge('tag=red', 'reader')).status).toBe(403);
    expect((await service.request('/v1/participants?tag=red', { method: 'DELETE' })).status).toBe(401);
    const cursor = Buffer.from(JSON.stringify([0, 'a', '["blue",null,null,null]'])).toString('base64url');
    expect((await purge(`tag=red&cursor=${cursor}`)).json.errors[0].pointer).toBe('#/cursor');
    expect((await purge(`tag=blue&cursor=${cursor}`)).status).toBe(200);
    expect(await ids()).toEqual(['a']);
  });
});
