// The webhooks of BRTC that the simulator sends: each to its URL and, if that fails, to the fallback URL.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { playForever } from '../../simulator/provider/scenario-traffic.js';
import type { Scenario } from '../../simulator/scenarios/scenario.js';
import { SCENARIOS } from '../../simulator/scenarios/scenarios.js';
import { brtc } from '../../src/sources/brtc/brtc-source.js';
import { startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { sourceOf } from '../sources/every-dialect.js';
import { ACCOUNT, BrtcCustomer } from './brtc-customer.js';
import { Receiver } from './receiver.js';
import { NO_CHAOS } from './settings.js';

describe('the webhooks of BRTC', () => {
  let customer: BrtcCustomer;
  const receivers: Receiver[] = [];
  const receiver = async (...parameters: Parameters<typeof Receiver.start>) => {
    const started = await Receiver.start(...parameters);
    receivers.push(started);
    return started;
  };
  const bodiesAt = ({ received }: Receiver) => received.map(({ body }) => JSON.parse(body));
  beforeEach(async () => {
    customer = await BrtcCustomer.start();
  });
  afterEach(async () => {
    await customer.simulator.close();
    for (const one of receivers.splice(0)) one.stop();
  });

  it('match the documentation of the provider: https://dev.bandwidth.com/docs/brtc/webhooks', async () => {
    const one = await receiver();
    const { endpointId } = await customer.create({ eventCallbackUrl: `http://${one.host}/callbacks`, tag: '{"a": 1}' });
    const deviceId = await customer.connect(endpointId);
    await customer.act(endpointId, deviceId, 'leave');
    await eventually(() => expect(one.received).toHaveLength(3));
    const timestamp = expect.any(Number);
    const common = { accountId: ACCOUNT, endpointId, deviceId, timestamp, tags: '{"a": 1}' };
    const names = ['endpointConnected', 'endpointEligible', 'endpointDisconnected'];
    const byName = (a: { event: string }, b: { event: string }) => names.indexOf(a.event) - names.indexOf(b.event);
    expect(bodiesAt(one).sort(byName)).toEqual(names.map((event) => ({ ...common, event })));
    const [first] = one.received;
    expect(Object.keys(JSON.parse(first?.body ?? ''))).toEqual([
      'accountId',
      'endpointId',
      'event',
      'deviceId',
      'timestamp',
      'tags',
    ]);
    expect(first).toMatchObject({ path: '/callbacks', headers: { 'content-type': 'application/json' } });
    const shown = customer.simulator.provider.log.newest.map(({ name }) => name).reverse();
    expect(shown).toEqual(names);
  });

  it.each([
    ['answers 503', { status: 503 }],
    ['answers 404', { status: 404 }],
    ['redirects', { status: 302, headers: { location: '/' } }],
  ])('go to the fallback URL if the first one %s', async (_, reply) => {
    const [failing, fallback] = [await receiver(() => reply), await receiver()];
    const urls = { eventCallbackUrl: `http://${failing.host}/`, eventFallbackUrl: `http://${fallback.host}/second` };
    const { endpointId } = await customer.create(urls);
    await customer.connect(endpointId);
    await eventually(() => expect(fallback.received).toHaveLength(2));
    expect(fallback.received[0]).toMatchObject({ path: '/second' });
    expect(new Set(bodiesAt(fallback).map(({ event }) => event))).toEqual(
      new Set(bodiesAt(failing).map(({ event }) => event)),
    );
    await eventually(() => {
      const answers = customer.simulator.provider.log.newest.flatMap((webhook) => webhook.answers);
      expect(answers).toMatchObject([
        { status: 204, attempts: 2 },
        { status: 204, attempts: 2 },
      ]);
    });
  });

  it('do not go to the fallback URL otherwise, and stop after it', async () => {
    const [accepting, unused] = [await receiver(() => ({ status: 200 })), await receiver()];
    const { endpointId } = await customer.create({
      eventCallbackUrl: `http://${accepting.host}/`,
      eventFallbackUrl: `http://${unused.host}/`,
    });
    await customer.connect(endpointId);
    await eventually(() => expect(accepting.received).toHaveLength(2));
    const gone = await receiver();
    const { host } = gone;
    gone.stop();
    const { endpointId: other } = await customer.create({
      eventCallbackUrl: `http://${host}/`,
      eventFallbackUrl: `http://${host}/`,
    });
    await customer.connect(other);
    await eventually(() => {
      const answers = customer.simulator.provider.log.newest.flatMap((webhook) => webhook.answers);
      expect(answers.filter(({ status }) => status === 'ECONNREFUSED')).toMatchObject([
        { attempts: 2 },
        { attempts: 2 },
      ]);
    });
    expect(unused.received).toEqual([]);
  });

  it('are lost and duplicated like those of the other product', async () => {
    await customer.simulator.close();
    customer = await BrtcCustomer.start({ chaos: { ...NO_CHAOS, lossShare: 0.3, duplicateShare: 0.5 }, seed: 3 });
    const { host } = await receiver();
    for (let n = 0; n < 20; n += 1)
      await customer.connect((await customer.create({ eventCallbackUrl: `http://${host}/` })).endpointId);
    const copies = customer.simulator.provider.log.newest.map((webhook) => webhook.copies);
    expect(new Set(copies)).toEqual(new Set([0, 1, 2]));
  });

  it('give Rollcall the presence of a meeting, at the fallback URL if the first one fails', async () => {
    const service = await startService({ sources: [sourceOf('brtc', brtc)] });
    const failing = await receiver(() => ({ status: 500 }));
    const callbackUrl = `${service.url}/callbacks/brtc`;
    const stopping = new AbortController();
    const stage = { participants: 5, durationMs: 4_000, arrivalMs: 400 };
    const scenario = SCENARIOS.get('meeting') as Scenario;
    const traffic = { scenario, stage, seed: 1, product: 'brtc', accountId: ACCOUNT, callbackUrl } as const;
    const played = playForever(customer.simulator.provider, traffic, stopping.signal);
    const all = async () => (await service.request('/v1/participants?state=connected,reconnecting,gone')).json.items;
    await eventually(async () => expect((await all()).length).toBeGreaterThan(5));
    stopping.abort();
    await played;
    const urls = { eventCallbackUrl: `http://${failing.host}/`, eventFallbackUrl: callbackUrl };
    const { endpointId } = await customer.create({ ...urls, tag: 'agents' });
    const deviceId = await customer.connect(endpointId);
    await eventually(async () => {
      const found = (await service.request(`/v1/participants/${endpointId}`)).json;
      expect(found).toMatchObject({ state: 'connected', tag: 'agents', devices: [{ deviceId }] });
    });
    await customer.api().deleteEndpoint(ACCOUNT, endpointId);
    await eventually(async () => {
      const found = (await service.request(`/v1/participants/${endpointId}`)).json;
      expect(found).toMatchObject({ state: 'reconnecting' });
    });
    const answers = customer.simulator.provider.log.newest.flatMap((webhook) => webhook.answers);
    expect(answers.every(({ status }) => status === 204)).toBe(true);
    await service.stop();
  });
});
