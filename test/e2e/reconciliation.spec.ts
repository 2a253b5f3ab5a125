// Reconciliation with the simulator as BRTC: what was not received is corrected, and no failure of the API removes anybody.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import { brtc } from '../../src/sources/brtc/brtc-source.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import {
  down,
  emptyAnswers,
  emptyList,
  type Fault,
  FaultyProxy,
  notFound,
  tooManyRequests,
} from '../reconcile/faulty-proxy.js';
import { ACCOUNT, BrtcCustomer } from '../simulator/brtc-customer.js';
import { sourceOf } from '../sources/every-dialect.js';
import { parseSeries } from './scrape.js';
import type { Service } from './service.js';
import { onEachStore } from './stores.js';

const INTERVAL_MS = 10_000;
/** Well below the timeout of commits, which the same clock counts. */
const STEP_MS = 400;

describe.each(onEachStore())('reconciliation on %s', (_, startOn) => {
  let clock: ManualClock;
  let customer: BrtcCustomer;
  let proxy: FaultyProxy;
  let service: Service;
  beforeEach(async () => {
    customer = await BrtcCustomer.start();
    proxy = await FaultyProxy.start(customer.url);
    clock = new ManualClock(Date.now());
    const { name, dialect } = sourceOf('brtc', brtc);
    const settings = {
      reasonlessEnd: 'disconnected',
      accountId: ACCOUNT,
      apiCredentials: 'user:password',
      apiAuth: 'oauth',
      apiUrl: proxy.url,
    };
    service = await startOn({ sources: [{ name, dialect, settings }], clock, reconcileMs: INTERVAL_MS });
  });
  afterEach(async () => {
    await service.stop();
    await proxy.stop();
    await customer.simulator.close();
  });

  const endpoint = async (id: string) => (await service.request(`/v1/participants/${id}`)).json;
  const event = (name: string, endpointId: string, deviceId: string, atMs = clock.now()) =>
    service.post('/callbacks/brtc', { endpointId, event: name, deviceId, timestamp: atMs, tags: '' });
  const summary = async () => (await service.request('/v1/reconciliation')).json.items[0];
  /** Lets time pass until it holds. */
  const passUntil = (observe: () => Promise<void>) =>
    eventually(async () => {
      clock.advance(STEP_MS);
      await observe();
    });
  /** Endpoints with a connected device, whose connect is received. */
  const connectAll = async (count: number) => {
    const connected = await Promise.all(
      Array.from({ length: count }, async () => {
        const { endpointId: id } = await customer.create();
        const deviceId = await customer.connect(id);
        expect((await event('endpointConnected', id, deviceId)).status).toBe(204);
        return { id, deviceId };
      }),
    );
    return connected;
  };
  const connectedCount = async () => (await service.request('/v1/occupancy')).json.connected;
  const completePolls = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const { lastCompletePollAt } = await summary();
      await passUntil(async () => expect((await summary()).lastCompletePollAt).not.toBe(lastCompletePollAt));
    }
  };

  it('adds an endpoint whose connect was not received, with its device, start and tag', async () => {
    const { endpointId: id } = await customer.create({ tag: 'agents' });
    const deviceId = await customer.connect(id);
    await passUntil(async () => expect(await endpoint(id)).toMatchObject({ state: 'connected', tag: 'agents' }));
    const { devices } = await endpoint(id);
    expect(devices).toMatchObject([{ deviceId, state: 'connected', connectedAt: expect.any(String) }]);
    await passUntil(async () => expect((await summary()).corrections).toEqual({ added: 1, removed: 0 }));
  });

  it('removes an endpoint whose end was not received, after the grace period', async () => {
    const [lost] = await connectAll(3);
    await customer.act(lost?.id ?? '', lost?.deviceId ?? '', 'drop');
    await passUntil(async () =>
      expect(await endpoint(lost?.id ?? '')).toMatchObject({ state: 'gone', cause: 'reconciled' }),
    );
    expect(await connectedCount()).toBe(2);
    await passUntil(async () => expect((await summary()).corrections).toEqual({ added: 0, removed: 1 }));
  });

  it('writes nothing while presence is right', async () => {
    await connectAll(5);
    await completePolls(1);
    const { position } = (await service.request('/v1/changes')).json;
    await completePolls(2);
    expect((await service.request('/v1/changes')).json.position).toBe(position);
    expect(await summary()).toMatchObject({
      status: 'on',
      intervalMs: INTERVAL_MS,
      failures: 0,
      lastPoll: { outcome: 'complete' },
      drift: { connected: 5, listed: 5, absent: 0, missing: 0, percent: 0 },
    });
  });

  it('asks about a device shortly before its loss becomes final, and so finds a return that was not received', async () => {
    const [one] = await connectAll(1);
    const { id, deviceId } = one ?? { id: '', deviceId: '' };
    await completePolls(1);
    const listed = proxy.paths.length;
    await event('endpointDisconnected', id, deviceId);
    expect(await endpoint(id)).toMatchObject({ state: 'reconnecting' });
    await passUntil(async () => expect(await endpoint(id)).toMatchObject({ state: 'connected' }));
    expect(proxy.paths.slice(listed)).toContainEqual(expect.stringMatching(`/endpoints/${id}$`));
  });

  it.each<[string, Fault]>([
    ['is down', down],
    ['answers 429', tooManyRequests],
    ['answers with an empty list', emptyList],
    ['answers with nothing', emptyAnswers],
    ['answers 404 for everything', notFound],
  ])('removes nobody while the API %s', async (name, fault) => {
    await connectAll(8);
    await completePolls(1);
    proxy.fault = fault;
    const isListEmpty = name === 'answers with an empty list';
    await passUntil(async () => {
      const { failures, fuse } = await summary();
      expect(isListEmpty ? fuse.trips : failures).toBe(2);
    });
    expect(await connectedCount()).toBe(8);
    if (isListEmpty) expect((await summary()).fuse).toEqual({ isTripped: true, trips: 2, absences: 8 });
    proxy.fault = undefined;
    await completePolls(2);
    expect(await connectedCount()).toBe(8);
    expect(await summary()).toMatchObject({ failures: 0, fuse: { isTripped: false }, corrections: { removed: 0 } });
  });

  it('is measured', async () => {
    await connectAll(2);
    await customer.connect((await customer.create()).endpointId);
    await passUntil(async () => expect(await connectedCount()).toBe(3));
    await completePolls(1);
    const series = parseSeries((await service.request('/metrics')).text);
    const value = (name: string, labels = '') => series.get(`rollcall_reconciliation_${name}{source="brtc"${labels}}`);
    expect(value('polls_total', ',outcome="complete"')).toBeGreaterThan(1);
    expect(value('poll_duration_seconds_count')).toBe(value('polls_total', ',outcome="complete"'));
    expect(value('corrections_total', ',direction="added"')).toBe(1);
    expect(value('questions_total', ',answer="present"')).toBeGreaterThan(0);
    expect(value('drift_ratio')).toBe(0);
    expect(value('interval_seconds')).toBe(INTERVAL_MS / 1_000);
    const { lastCompletePollAt } = await summary();
    expect(value('last_complete_poll_timestamp_seconds')).toBe(Date.parse(lastCompletePollAt) / 1_000);
  });

  it('believes a list that lacks many participants once a second one and a sample agree', async () => {
    const all = await connectAll(8);
    for (const { id, deviceId } of all.slice(0, 7)) await customer.act(id, deviceId, 'drop');
    await passUntil(async () => expect((await summary()).fuse).toMatchObject({ isTripped: true, absences: 7 }));
    expect(await connectedCount()).toBe(8);
    await passUntil(async () => expect(await connectedCount()).toBe(1));
    await completePolls(1);
    expect(await summary()).toMatchObject({ fuse: { isTripped: false, trips: 1 }, corrections: { removed: 7 } });
  });
});

describe.each(onEachStore())('a source whose provider has no list, on %s', (_, startOn) => {
  it('is not among those whose polls are watched', async () => {
    const clock = new ManualClock(Date.now());
    const customer = await BrtcCustomer.start();
    const access = { accountId: ACCOUNT, apiCredentials: 'user:password' };
    const listed = { reasonlessEnd: 'disconnected', apiAuth: 'oauth', apiUrl: customer.url, ...access };
    const service = await startOn({
      sources: [
        { ...sourceOf('brtc', brtc), settings: listed },
        { ...sourceOf('bandwidth', bandwidth), settings: { apiUrl: 'http://127.0.0.1:9', ...access } },
      ],
      clock,
      reconcileMs: INTERVAL_MS,
    });
    try {
      await eventually(async () => {
        clock.advance(STEP_MS);
        const series = [...parseSeries((await service.request('/metrics')).text).keys()];
        const polled = series.filter((one) => one.startsWith('rollcall_reconciliation_last_complete_poll'));
        expect(polled).toEqual(['rollcall_reconciliation_last_complete_poll_timestamp_seconds{source="brtc"}']);
      });
    } finally {
      await service.stop();
      await customer.simulator.close();
    }
  });
});
