// What an operator does when a secret has leaked: purges what was stored with it.
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
  const tell = async (participantId: string, tag: string, event = 'onConnect') => {
    const parts = { participantId, tag, event, timestamp: clock.now() };
    expect((await service.callback(parts)).status).toBe(204);
  };
  const ids = async () =>
    (await get(ALL)).json.items.map(({ participantId }: { participantId: string }) => participantId).sort();
  const at = (afterMs: number) => new Date(NOW_MS + afterMs).toISOString();

  it('by tag removes those who have it, and tells followers of those who were present', async () => {
    await tell('present', 'red');
    await tell('reconnecting', 'red');
    await tell('left', 'red');
    await tell('other', 'blue');
    clock.advance(1);
    await tell('reconnecting', 'red', 'onDisconnect');
    await tell('left', 'red', 'onLeave');
    position = (await get('/v1/changes')).json.position;
    expect((await purge('tag=red')).json).toEqual({ matched: 3, purged: 3 });
    expect(await ids()).toEqual(['other']);
    expect((await get('/v1/participants/present')).status).toBe(404);
    expect((await get('/v1/occupancy')).json).toMatchObject({ connected: 1, reconnecting: 0, devices: 1 });
    expect((await get('/v1/tags')).json.items).toMatchObject([{ tag: 'blue' }]);
    const { items } = (await get(`/v1/changes?after=${position}&types=participant.gone`)).json;
    const told = items.map(({ participantId, cause, tag }: Record<string, string>) => [participantId, cause, tag]);
    expect(told.sort()).toEqual([
      ['present', 'ended', 'red'],
      ['reconnecting', 'ended', 'red'],
    ]);
    expect((await purge('tag=red')).json).toEqual({ matched: 0, purged: 0 });
  });

  it('by time removes those whose last event was received then, whatever time it says it is of', async () => {
    await tell('before', 'red');
    await tell('later-too', 'red');
    clock.advance(1_000);
    const forged = { participantId: 'forged', timestamp: '1628786234676', tag: 'red' };
    await service.callback(forged);
    clock.advance(999);
    await tell('within', 'red');
    clock.advance(1);
    await tell('later-too', 'red', 'onDisconnect');
    await tell('after', 'red');
    expect((await purge(`since=${at(1_000)}&until=${at(2_000)}`)).json).toEqual({ matched: 2, purged: 2 });
    expect(await ids()).toEqual(['after', 'before', 'later-too']);
    expect((await purge(`since=${at(2_000)}&source=bandwidth&tag=blue`)).json.matched).toBe(0);
    expect((await purge(`since=${encodeURIComponent('2026-11-23T13:00:02+01:00')}&tag=red`)).json.purged).toBe(2);
    expect(await ids()).toEqual(['before']);
  });

  it('of an operator’s end counts the event that was received before', async () => {
    await tell('ghost', 'red');
    clock.advance(5_000);
    const headers = { authorization: 'Bearer key-of-ops' };
    expect((await service.request('/v1/participants/ghost', { method: 'DELETE', headers })).status).toBe(204);
    expect((await purge(`since=${at(1)}`)).json.matched).toBe(0);
    expect((await purge(`since=${at(0)}`)).json).toEqual({ matched: 1, purged: 1 });
  });

  it('only counts in a dry run', async () => {
    await tell('a', 'red');
    await tell('b', 'red');
    position = (await get('/v1/changes')).json.position;
    expect((await purge('source=bandwidth&dryRun=true')).json).toEqual({ matched: 2, purged: 0 });
    expect(await ids()).toEqual(['a', 'b']);
    expect((await get(`/v1/changes?after=${position}`)).json.items).toEqual([]);
    expect((await purge('source=bandwidth&dryRun=false')).json).toEqual({ matched: 2, purged: 2 });
  });

  it('looks at 1,000 participants at a time, and at all of them if it is repeated', async () => {
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

  it('is in the log, with who asked for what', async () => {
    await tell('a', 'red');
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

  it('lets a participant come back with its next event', async () => {
    await tell('a', 'red');
    await purge('tag=red');
    clock.advance(1);
    await tell('a', 'red', 'onDisconnect');
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
  ])('of %p is refused and purges nobody', async (query, name) => {
    await tell('a', 'red');
    const { status, json } = await purge(query);
    expect([status, json.errors[0].pointer]).toEqual([400, name === '' ? '#' : `#/${name}`]);
    expect(await ids()).toEqual(['a']);
  });

  it('needs the scope admin, and goes on with the same filters only', async () => {
    await tell('a', 'red');
    expect((await purge('tag=red', 'reader')).status).toBe(403);
    expect((await service.request('/v1/participants?tag=red', { method: 'DELETE' })).status).toBe(401);
    const cursor = Buffer.from(JSON.stringify([0, 'a', '["blue",null,null,null]'])).toString('base64url');
    expect((await purge(`tag=red&cursor=${cursor}`)).json.errors[0].pointer).toBe('#/cursor');
    expect((await purge(`tag=blue&cursor=${cursor}`)).status).toBe(200);
    expect(await ids()).toEqual(['a']);
  });
});
