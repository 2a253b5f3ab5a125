// GET /metrics: each metric moves when what it names happens, and the number of series is bounded.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { systemClock } from '../../src/runtime/clock.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';
import { Listener } from './listener.js';
import { parseSeries, type Series } from './scrape.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const NOW_MS = 1_790_000_000_000;
const GRACE_MS = 15_000;
const SECRET = 'a-callback-secret-of-32-characters-or-more';

const DOCUMENTED = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

describe.each(onEachStore())('the metrics on %s', (store, startOn) => {
  let clock: ManualClock;
  let service: Service;
  beforeEach(() => {
    clock = new ManualClock(NOW_MS);
  });
  afterEach(() => service.stop());

  const start = async (options: ServiceOptions = {}) => {
    service = await startOn({ clock, ...options });
  };
  const scrape = async (headers: Record<string, string> = {}): Promise<Series> => {
    const { status, text } = await service.request('/metrics', { headers });
    expect(status).toBe(200);
    return parseSeries(text);
  };
  const send = async (event: string, parts: Record<string, unknown> = {}) =>
    (await service.callback({ event, timestamp: clock.now(), ...parts })).status;
  const value = async (series: string) => (await scrape()).get(series);
  const counts = async (...names: string[]) => {
    const series = await scrape();
    return names.map((name) => series.get(name));
  };

  it('count callbacks by outcome and events by what became of them', async () => {
    await start();
    expect(await send('onConnect')).toBe(204);
    expect(await send('onConnect')).toBe(204);
    expect(await send('onLeave')).toBe(204);
    expect(await send('onMute')).toBe(202);
    expect(await send('onConnect', { participantId: '' })).toBe(400);
    const callbacks = (outcome: string) => `rollcall_callbacks_total{source="bandwidth",outcome="${outcome}"}`;
    expect(await counts(...['accepted', 'unknown', 'invalid', 'refused'].map(callbacks))).toEqual([3, 1, 1, 0]);
    const events = (event: string, outcome: string) =>
      `rollcall_events_total{source="bandwidth",event="${event}",outcome="${outcome}"}`;
    const expected = [events('connected', 'applied'), events('connected', 'duplicate'), events('left', 'applied')];
    expect(await counts(...expected)).toEqual([1, 1, 1]);
    const refusals = (reason: string) => `rollcall_refusals_total{kind="callback",reason="${reason}"}`;
    expect(await counts(refusals('unknown-event'), refusals('invalid-fields'))).toEqual([1, 1]);
    expect(await value('rollcall_callback_duration_seconds_count{source="bandwidth"}')).toBe(5);
    await eventually(async () => expect(await value('rollcall_quarantine_entries')).toBe(2));
  });

  it('count callbacks with wrong credentials as refused', async () => {
    await start({ access: { callbackSecrets: [SECRET] } });
    expect(await send('onConnect')).toBe(401);
    expect(await value('rollcall_callbacks_total{source="bandwidth",outcome="refused"}')).toBe(1);
  });

  it('show how late, and how far out of order, events are received', async () => {
    await start();
    clock.advance(100_000);
    await send('onConnect', { timestamp: clock.now() - 2_000 });
    await send('onDisconnect', { timestamp: clock.now() - 12_000, deviceId: 'another' });
    const [delays, disorder] = ['event_delay', 'event_disorder'].map((name) => `rollcall_${name}_seconds`);
    const of = (name: string | undefined, part: string, le = '') => `${name}_${part}{source="bandwidth"${le}}`;
    const expected = [of(delays, 'sum'), of(delays, 'count'), of(disorder, 'sum'), of(disorder, 'count')];
    expect(await counts(...expected)).toEqual([14, 2, 10, 2]);
    expect(await counts(of(delays, 'bucket', ',le="2.5"'), of(disorder, 'bucket', ',le="0"'))).toEqual([1, 1]);
  });

  it('show when the last callback of a source was received', async () => {
    await start();
    const last = 'rollcall_last_callback_timestamp_seconds{source="bandwidth"}';
    expect(await value(last)).toBeCloseTo(performance.timeOrigin / 1_000, 0);
    await send('onMute');
    expect(await value(last)).toBe(NOW_MS / 1_000);
  });

  it('count who is present, transitions and what the grace period does', async () => {
    await start({ policy: { graceMs: GRACE_MS }, metricsTags: ['support', 'nobody'] });
    await send('onConnect', { tag: 'support' });
    await send('onConnect', { participantId: 'another', tag: 'sales' });
    const present = (state: string) => `rollcall_participants{source="bandwidth",state="${state}"}`;
    const tagged = (tag: string, state: string) => `rollcall_tag_participants{tag="${tag}",state="${state}"}`;
    const lag = 'rollcall_deadline_lag_seconds_count';
    expect(await counts(present('connected'), 'rollcall_devices{source="bandwidth"}')).toEqual([2, 2]);
    expect(await counts(tagged('support', 'connected'), tagged('nobody', 'connected'))).toEqual([1, 0]);
    expect((await scrape()).has(tagged('sales', 'connected'))).toBe(false);
    clock.advance(1_000);
    await send('onDisconnect', { tag: 'support' });
    expect(await counts(present('connected'), present('reconnecting'))).toEqual([1, 1]);
    expect(await counts(tagged('support', 'reconnecting'))).toEqual([1]);
    clock.advance(1_000);
    await send('onConnect');
    clock.advance(1_000);
    await send('onDisconnect');
    const [interrupted, saved] = ['interruptions', 'grace_saves'].map(
      (name) => `rollcall_${name}_total{source="bandwidth"}`,
    );
    expect(await counts(interrupted as string, saved as string, lag)).toEqual([2, 1, 0]);
    clock.advance(GRACE_MS + 2_000);
    const lost = (subject: string) =>
      `rollcall_transitions_total{source="bandwidth",subject="${subject}",state="gone",cause="lost"}`;
    await eventually(async () => expect(await counts(lost('device'), lost('participant'), lag)).toEqual([1, 1, 1]));
    expect(await counts(present('connected'), present('reconnecting'))).toEqual([1, 0]);
    expect(await value('rollcall_stored_participants')).toBe(2);
    expect(await value('rollcall_commits_total')).toBe(6);
    expect(await value('rollcall_available_participants{source="bandwidth"}')).toBe(0);
    const init = {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"availability":"available"}',
    };
    expect((await service.request('/v1/participants/another/availability', init)).status).toBe(204);
    expect(await value('rollcall_available_participants{source="bandwidth"}')).toBe(1);
  });

  it('show the operations and errors of the store', async () => {
    // Redis compares its clock with ours.
    await start({ clock: systemClock });
    await send('onConnect');
    await service.request('/v1/participants');
    const operation = (name: string) => `rollcall_store_operation_duration_seconds_count{operation="${name}"}`;
    expect(await counts(operation('load'), operation('commit'), operation('page'))).toEqual([1, 1, 1]);
    expect(await counts('rollcall_batches_total', 'rollcall_batch_updates_sum')).toEqual([1, 1]);
    expect(await value('rollcall_store_errors_total{operation="commit"}')).toBe(0);
    expect(await counts('rollcall_ready', 'rollcall_component_up{component="store"}')).toEqual([1, 1]);
    expect(await counts('rollcall_store_reconnects_total', 'rollcall_open_incidents')).toEqual([0, 0]);
    const before = await counts('rollcall_store_round_trips_total', 'rollcall_store_commands_total');
    await send('onLeave');
    const after = await counts('rollcall_store_round_trips_total', 'rollcall_store_commands_total');
    // A load and a commit, besides what happens anyway.
    if (store === 'Redis')
      expect(Math.min(...after.map((total = 0, n) => total - (before[n] ?? 0)))).toBeGreaterThanOrEqual(2);
    else expect(after).toEqual([0, 0]);
    // Known once the clocks have been compared.
    const isShown = async () => (await scrape()).has('rollcall_store_clock_ahead_seconds');
    if (store === 'Redis') await eventually(async () => expect(await isShown()).toBe(true));
    else expect(await isShown()).toBe(false);
  });

  it('show the feed and those who follow it', async () => {
    await start();
    await send('onConnect');
    const listener = await Listener.open(service.url);
    const waiting = new AbortController();
    const { position } = (await service.request('/v1/changes')).json;
    const poll = service.request(`/v1/changes?after=${position}&wait=30`, { signal: waiting.signal });
    await eventually(async () => {
      expect(await counts('rollcall_feed_streams', 'rollcall_feed_polls')).toEqual([1, 1]);
    });
    expect(await value('rollcall_feed_bytes')).toBeGreaterThan(100);
    const [oldest = 0, newest = 0] = await counts(
      'rollcall_feed_oldest_timestamp_seconds',
      'rollcall_feed_newest_timestamp_seconds',
    );
    expect(newest).toBeGreaterThanOrEqual(oldest);
    expect(oldest).toBeGreaterThan(NOW_MS / 2_000);
    listener.close();
    waiting.abort();
    await expect(poll).rejects.toThrow();
    await eventually(async () => {
      expect(await counts('rollcall_feed_streams', 'rollcall_feed_polls')).toEqual([0, 0]);
    });
    expect((await service.request('/v1/changes?after=000000000000.1')).status).toBe(410);
    expect(await value('rollcall_feed_resets_total')).toBe(1);
  });

  it('show requests by route, and those in progress', async () => {
    await start();
    await service.request('/v1/participants');
    await service.request('/v1/participants?limit=x');
    await service.request('/no/such/path', { method: 'PUT' });
    const requests = (labels: string) => `rollcall_http_request_duration_seconds_count{${labels}}`;
    const series = await scrape();
    expect(series.get(requests('method="GET",route="/v1/participants",status="2xx"'))).toBe(1);
    expect(series.get(requests('method="GET",route="/v1/participants",status="4xx"'))).toBe(1);
    expect(series.get(requests('method="",route="",status="4xx"'))).toBe(1);
    const release = service.holdLoads();
    const callback = send('onConnect');
    await eventually(async () => expect(await value('rollcall_http_requests_in_flight')).toBe(1));
    release();
    await callback;
    expect(await value('rollcall_http_requests_in_flight')).toBe(0);
    expect(await value('rollcall_http_requests_in_flight_limit')).toBe(10_000);
  });

  it('have as many series after 10,000 odd ids, tags, paths, methods and headers as before', async () => {
    await start({ spool: {}, metricsTags: ['support'] });
    const oddCallback = (n: number) =>
      send(['onConnect', 'onDisconnect', 'onLeave', `onOdd${n}`][n % 4] as string, {
        participantId: `odd-${n}`,
        deviceId: `device-${n}`,
        tag: `tag-${n}`,
      });
    const oddRequest = (n: number) =>
      service.request(`/${['v1', 'callbacks', 'odd'][n % 3]}/odd-${n}?odd${n}=${n}`, {
        method: ['GET', 'PUT', 'PROPFIND', 'DELETE'][n % 4] as string,
        headers: { accept: `odd/${n}`, authorization: `Bearer odd-${n}`, 'user-agent': `odd/${n}` },
      });
    const all = async (from: number, count: number) => {
      for (let n = from; n < from + count; n += 50) {
        const batch = Array.from({ length: 50 }, (_, k) => n + k);
        await Promise.all(batch.flatMap((one) => [oddCallback(one), oddRequest(one)]));
      }
    };
    const names = async () => [...(await scrape()).keys()].filter((name) => name.startsWith('rollcall_')).sort();
    await all(0, 200);
    const before = await names();
    await all(200, lengthOf(2_000, 10_000));
    expect(await names()).toEqual(before);
    expect(before.length).toBeLessThan(750);
  });

  it('are all described in docs/metrics.md, and no others', async () => {
    await start({ spool: {}, metricsTags: ['support'] });
    const { text } = await service.request('/metrics');
    const families = [...text.matchAll(/^# HELP (rollcall_\w+) (.*)\n# TYPE \w+ (\w+)$/gm)];
    const rows = families.map(([, name, help, type]) => `| \`${name}\` | ${type} | ${help} |`);
    const documented = DOCUMENTED.match(/^\| `rollcall_.*$/gm) ?? [];
    const withoutLabels = documented.map((row) => row.replace(/\{[^}]*\}/, '').replace('` (store) |', '` |'));
    expect(withoutLabels.sort()).toEqual(rows.sort());
  });

  describe('with keys', () => {
    const entry = (scope: string) => `${scope}:${scope}:${digestOf(`key-of-${scope}`).toString('hex')}`;
    const apiKeys = parseApiKeys(['read', 'admin', 'metrics'].map(entry).join());

    it.each([
      ['none', {}, 401],
      ['a wrong one', { authorization: 'Bearer wrong' }, 401],
      ['one with the scope read', { authorization: 'Bearer key-of-read' }, 403],
      ['one with the scope admin', { authorization: 'Bearer key-of-admin' }, 403],
      ['one with the scope metrics', { authorization: 'Bearer key-of-metrics' }, 200],
    ])('answer %s', async (_, headers: Record<string, string>, status) => {
      await start({ access: { apiKeys } });
      expect((await service.request('/metrics', { headers })).status).toBe(status);
    });

    it('give no other access to a key with the scope metrics', async () => {
      await start({ access: { apiKeys } });
      const headers = { authorization: 'Bearer key-of-metrics' };
      for (const path of [
        '/v1/participants',
        '/v1/changes',
        '/v1/incidents',
        `/v1/participants/${SEED.participantId}`,
      ]) {
        expect((await service.request(path, { headers })).status).toBe(403);
      }
    });
  });

  it('are refused without keys unless the request is local', async () => {
    await start();
    const { status, json } = await service.request('/metrics', { headers: { 'x-forwarded-for': '10.0.0.1' } });
    expect([status, json.type]).toEqual([403, 'urn:rollcall:problem:local-only']);
  });

  it.each(['?x=1', '?format=json'])('refuse the query %s', async (query) => {
    await start();
    expect((await service.request(`/metrics${query}`)).status).toBe(400);
  });
});
