// Webhooks of the whole service, to a real receiver.
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../src/storage/ports.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { storedDeadLetter } from '../openapi/calls.js';
import { parseSeries } from './scrape.js';
import type { Service, ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';
import { WebhookReceiver } from './webhook-receiver.js';

const PATH = '/v1/webhooks/endpoints';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

// On SQLite, leases end by the clock of the service, which a test of days moves on by hours.
describe.each(onEachStore())('webhooks on %s', (store, open) => {
  const itOverDays = store === 'Redis' ? it : () => {};
  // Redis counts the age of changes by its own clock.
  const itByOwnClock = store === 'Redis' ? () => {} : it;
  let clock: ManualClock;
  let service: Service;
  let receiver: WebhookReceiver;
  beforeEach(async () => {
    clock = new ManualClock(Date.now());
    receiver = await WebhookReceiver.start();
  });
  afterEach(async () => {
    await service.stop();
    receiver.stop();
  });

  const start = async (options: ServiceOptions = {}) => {
    service = await open({ clock, ...options });
  };
  const call = (method: string, path: string, body: object) =>
    service.request(PATH + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const create = async (settings: object = {}) => {
    const made = await call('POST', '', { url: receiver.url, ...settings });
    expect(made).toMatchObject({ status: 201 });
    return made.json as { readonly id: string; readonly secret: string };
  };
  const overwriteState = async (id: string, state: string) => {
    const { leases, deliveries } = service.storage;
    const lease = { name: 'of the test', token: Number(await leases.acquire('of the test', MINUTE_MS)) };
    const limit = { maxCount: 10, oldestMs: 0 };
    const update = { endpointId: id, state, records: { attempts: [], 'dead-letters': [] } };
    expect(await deliveries.save(lease, [update], { attempts: limit, 'dead-letters': limit })).toBe(true);
  };
  const find = async (id: string) => (await service.request(`${PATH}/${id}`)).json;
  let sent = 0;
  const report = async (participantId: string, event = 'onConnect', parts: Record<string, unknown> = {}) => {
    sent += 1;
    const answer = await service.callback({ timestamp: String(clock.now() + sent), participantId, event, ...parts });
    expect(answer.status).toBe(204);
  };
  /** The same as time goes by, for what the service does periodically. */
  const inTime = (observe: () => unknown, stepMs = 500) =>
    eventually(async () => {
      clock.advance(stepMs);
      await turn();
      await observe();
    });

  it('tell of every change, signed, and in order for each participant', async () => {
    await start();
    const { secret } = await create({
      types: ['participant.connected', 'participant.reconnecting', 'participant.gone'],
    });
    receiver.secrets = [secret];
    for (const event of ['onConnect', 'onDisconnect', 'onConnect', 'onLeave']) {
      for (const name of ['a', 'b', 'c']) await report(name, event);
    }
    const types = ['connected', 'reconnecting', 'connected', 'gone'].map((state) => `participant.${state}`);
    await inTime(() => expect(receiver.takenTypes()).toEqual({ a: types, b: types, c: types }));
    expect(receiver.faults).toEqual([]);
    const feed = await service.request('/v1/participants?state=gone');
    expect(feed.json.items).toHaveLength(3);
    expect(receiver.all[0]).toMatchObject({
      id: expect.stringMatching(/^msg_[\w-]{24}$/),
      headers: { 'content-type': 'application/json', 'user-agent': expect.stringMatching(/^Rollcall\//) },
      data: { type: 'participant.connected', state: 'connected', source: 'bandwidth', position: expect.any(String) },
    });
    expect(new Set(receiver.all.map(({ id }) => id)).size).toBe(12);
  });

  it('tell only of what is wanted, and from the creation of the endpoint on', async () => {
    await start();
    await report('before', 'onConnect', { tag: 'red' });
    await create({ tag: 'red', types: ['participant.connected'], headers: { 'X-Key': 'of the gateway' } });
    await report('a', 'onConnect', { tag: 'red' });
    await report('b', 'onConnect', { tag: 'blue' });
    await report('c', 'onConnect', { tag: 'red' });
    await inTime(() => expect(Object.keys(receiver.takenTypes())).toEqual(['a', 'c']));
    expect(receiver.all[0]?.headers['x-key']).toBe('of the gateway');
  });

  it('are sent again, with the same id, until they are taken', async () => {
    await start();
    await create({ types: ['participant.connected'] });
    let refusals = 3;
    receiver.answer = (webhook, response) => {
      webhook.isTaken = refusals <= 0;
      refusals -= 1;
      response.writeHead(webhook.isTaken ? 204 : 500).end();
    };
    await report('a');
    await inTime(() => expect(receiver.taken).toHaveLength(1), 5_000);
    expect(receiver.all).toHaveLength(4);
    expect(new Set(receiver.all.map(({ id }) => id)).size).toBe(1);
  });

  it('are not forgotten while what was not taken is read again', async () => {
    await start();
    const { id } = await create({ types: ['participant.connected'] });
    receiver.answer = (_, response) => response.writeHead(503).end();
    for (const name of ['a', 'b']) await report(name);
    await inTime(() => expect(receiver.all.length).toBeGreaterThan(2));
    await call('PATCH', `/${id}`, { enabled: false });
    const { feed, deliveries } = service.storage;
    const unsettled = async () => JSON.parse(String(await deliveries.state(id))).messages;
    await inTime(async () => expect(await unsettled()).toHaveLength(2));
    const read = feed.read.bind(feed);
    let reads = 0;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    Object.assign(feed, {
      read: async (...args: Parameters<typeof read>) => {
        reads += 1;
        await released;
        return read(...args);
      },
    });
    await call('PATCH', `/${id}`, { enabled: true });
    await inTime(() => expect(reads).toBeGreaterThan(0));
    for (let n = 0; n < 10; n += 1) {
      clock.advance(1_000);
      await wait(10);
    }
    // As whoever takes over would find it.
    const kept = await unsettled();
    release();
    expect(kept).toHaveLength(2);
    receiver.answer = (webhook, response) => {
      webhook.isTaken = true;
      response.writeHead(204).end();
    };
    const types = ['participant.connected'];
    await inTime(() => expect(receiver.takenTypes()).toEqual({ a: types, b: types }));
  });

  it('are sent to others while one participant or one endpoint is refused', async () => {
    await start({ webhooks: { timeoutMs: HOUR_MS } });
    await create({ types: ['participant.connected', 'participant.gone'] });
    const dead = await WebhookReceiver.start();
    let ended = 0;
    dead.answer = (_webhook, response) =>
      void response.on('close', () => {
        ended += 1;
      });
    await create({ url: dead.url });
    receiver.answer = (webhook, response) => {
      webhook.isTaken = webhook.data.participantId !== 'refused';
      response.writeHead(webhook.isTaken ? 204 : 400).end();
    };
    await report('refused');
    await report('refused', 'onLeave');
    for (const name of ['a', 'b', 'c']) await report(name);
    for (const name of ['a', 'b', 'c']) await report(name, 'onLeave');
    const types = ['participant.connected', 'participant.gone'];
    await inTime(() => expect(receiver.takenTypes()).toEqual({ a: types, b: types, c: types }));
    // Its requests still hang, so that nothing can have waited for them.
    expect([dead.all.length > 0, ended]).toEqual([true, 0]);
    const refused = receiver.all.filter(({ isTaken }) => !isTaken).map(({ type }) => type);
    expect(new Set(refused)).toEqual(new Set(['participant.connected']));
    dead.stop();
  });

  itOverDays(
    'become dead letters after a day if others are accepted, and the next one of the participant is sent',
    async () => {
      await start();
      const { id } = await create({ types: ['participant.connected', 'participant.gone'] });
      receiver.answer = (webhook, response) => {
        webhook.isTaken = webhook.type === 'participant.gone' || webhook.data.participantId !== 'refused';
        response.writeHead(webhook.isTaken ? 204 : 422).end('not understood');
      };
      await report('refused');
      await report('refused', 'onLeave');
      await inTime(() => expect(receiver.all).toHaveLength(1));
      await report('a');
      await inTime(() => expect(receiver.takenTypes()).toEqual({ a: ['participant.connected'] }));
      await inTime(() => expect(receiver.takenTypes().refused).toEqual(['participant.gone']), HOUR_MS);
      await inTime(async () => {
        const [letter] = await service.storage.deliveries.page('dead-letters', id, null, 10);
        expect(JSON.parse(String(letter?.text))).toMatchObject({
          messageId: receiver.all[0]?.id,
          type: 'participant.connected',
          last: { status: 422, answer: 'not understood' },
        });
      });
    },
  );

  itOverDays(
    'disable an endpoint that is gone, or takes nothing for days, and go on when it is enabled again',
    async () => {
      await start();
      const { id } = await create({ types: ['participant.connected'] });
      receiver.answer = (_webhook, response) => void response.writeHead(410).end();
      await report('a');
      await inTime(async () => expect(await find(id)).toMatchObject({ enabled: false, disabled: { reason: 'gone' } }));
      const requests = receiver.all.length;
      await report('b');
      receiver.answer = (_webhook, response) => void response.writeHead(503).end();
      await call('PATCH', `/${id}`, { enabled: true });
      await inTime(() => expect(receiver.all.length).toBeGreaterThan(requests));
      await inTime(async () => expect(await find(id)).toMatchObject({ disabled: { reason: 'failing' } }), HOUR_MS);
      await call('PATCH', `/${id}`, { enabled: true });
      // The days before do not count, so that it may fail again.
      await inTime(async () => expect(await find(id)).toMatchObject({ enabled: true, delivery: { failures: 2 } }));
      receiver.answer = (webhook, response) => {
        webhook.isTaken = true;
        response.writeHead(200).end();
      };
      const enabled = await call('PATCH', `/${id}`, { enabled: true });
      expect(enabled.json.disabled).toBeUndefined();
      await inTime(() => expect(Object.keys(receiver.takenTypes()).sort()).toEqual(['a', 'b']), 10_000);
    },
  );

  it('go on when an endpoint that was gone is enabled again at once', async () => {
    await start();
    const { webhookSettings } = service.storage;
    const { id } = await create({ types: ['participant.connected'] });
    const taken = receiver.answer;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    receiver.answer = (_webhook, response) => {
      const list = webhookSettings.list.bind(webhookSettings);
      Object.assign(webhookSettings, { list: () => released.then(list) });
      response.writeHead(410).end();
    };
    await report('a');
    await inTime(async () => expect(await find(id)).toMatchObject({ enabled: false, disabled: { reason: 'gone' } }));
    receiver.answer = taken;
    expect((await call('PATCH', `/${id}`, { enabled: true })).status).toBe(200);
    release();
    await inTime(() => expect(Object.keys(receiver.takenTypes())).toEqual(['a']));
    await report('b');
    await inTime(() => expect(Object.keys(receiver.takenTypes())).toEqual(['a', 'b']));
  });

  it('go on to the others when one endpoint, or the state of one, cannot be decoded', async () => {
    await start();
    const { webhookSettings, deliveries } = service.storage;
    const broken = ['{', '{"format":99}', '{"format":1}'].map((text, n) => ({ id: `ep_broken${n}`, text }));
    for (const { id, text } of broken) expect(await webhookSettings.replace(id, null, text)).toBe(true);
    const { id } = await create({ types: ['participant.connected'] });
    await report('a');
    await inTime(() => expect(Object.keys(receiver.takenTypes())).toEqual(['a']));
    const complaints = () => service.logged.filter(({ msg }) => String(msg).includes('cannot be decoded'));
    expect(complaints().map(({ endpoint }) => endpoint)).toEqual(broken.map((one) => one.id));
    const { items } = (await service.request(PATH)).json;
    expect(items.map((one: { readonly id: string }) => one.id)).toEqual([id]);
    const remove = () => service.request(`${PATH}/ep_broken0`, { method: 'DELETE' });
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 404]);
    await call('PATCH', `/${id}`, { enabled: false });
    await inTime(async () => expect(JSON.parse(String(await deliveries.state(id))).messages).toEqual([]));
    await overwriteState(id, '{"format":99}');
    expect((await find(id)).delivery.waiting).toBe(0);
    await call('PATCH', `/${id}`, { enabled: true });
    await inTime(() => expect(receiver.taken).toHaveLength(2));
    expect(complaints()).toHaveLength(4);
  });

  it('can have several changes, which stay together', async () => {
    await start();
    const { secret } = await create({ types: ['participant.connected'], batch: 100 });
    receiver.secrets = [secret];
    let isRefused = true;
    receiver.answer = (webhook, response) => {
      webhook.isTaken = !isRefused;
      response.writeHead(isRefused ? 500 : 204).end();
    };
    const names = Array.from({ length: 20 }, (_unused, n) => `p${n}`);
    await Promise.all(names.map((name) => report(name)));
    await inTime(() => expect(receiver.all.length).toBeGreaterThan(1), 1_000);
    isRefused = false;
    const told = () =>
      receiver.taken.flatMap(({ data }) => data.map((one: { participantId: string }) => one.participantId));
    await inTime(() => expect(new Set(told())).toEqual(new Set(names)), 5_000);
    expect(receiver.all.every(({ type }) => type === 'presence.batch')).toBe(true);
    const contents = new Map<string, string>();
    for (const { id, data } of receiver.all) {
      expect(contents.get(id) ?? JSON.stringify(data)).toBe(JSON.stringify(data));
      contents.set(id, JSON.stringify(data));
    }
    expect(receiver.faults).toEqual([]);
  });

  it('are sent once the store is back, if a batch could not be stored before', async () => {
    await start();
    const { deliveries } = service.storage;
    await create({ types: ['participant.connected'], batch: 100 });
    const save = deliveries.save.bind(deliveries);
    let isAway = true;
    let refusals = 0;
    Object.assign(deliveries, {
      save: async (...args: Parameters<typeof save>) => {
        const hasBatch = args[1].some(({ state }) => JSON.parse(state).messages.length > 0);
        if (!isAway || !hasBatch) return save(...args);
        refusals += 1;
        throw new StoreUnavailableError('away, in this test');
      },
    });
    await report('a');
    // More than one: the periodic ones may come before the one that precedes the request.
    await inTime(() => expect(refusals).toBeGreaterThan(4));
    expect(receiver.all).toEqual([]);
    isAway = false;
    await inTime(() => expect(receiver.taken).toHaveLength(1));
  });

  it('tell of a gap when the feed no longer has a change', async () => {
    await start({ feed: { maxBytes: 2_000, retentionMs: 1_000 } });
    const { id } = await create({ types: ['participant.connected'] });
    await inTime(async () => expect(await service.storage.deliveries.state(id)).not.toBeNull());
    await call('PATCH', `/${id}`, { enabled: false });
    await inTime(async () => expect(JSON.parse(String(await service.storage.deliveries.state(id))).isLive).toBe(false));
    for (let n = 0; n < 60; n += 1) await report(`lost${n}`);
    await service.storage.feed.trim({ maxBytes: 1_000, retentionMs: HOUR_MS });
    await call('PATCH', `/${id}`, { enabled: true });
    await inTime(() => expect(receiver.taken.map(({ type }) => type)).toContain('feed.gap'));
    const gap = receiver.taken.find(({ type }) => type === 'feed.gap');
    expect(gap?.data).toEqual({ after: expect.any(String), position: expect.any(String) });
    expect((await service.request('/metrics')).text).toContain('\nrollcall_webhook_gaps_total 1\n');
    await report('after');
    await inTime(() => expect(Object.keys(receiver.takenTypes())).toContain('after'));
  });

  it('tell of a gap even if a replay is begun before that', async () => {
    await start({ feed: { maxBytes: 2_000, retentionMs: 1_000 } });
    const { feed, deliveries } = service.storage;
    const { id } = await create({ types: ['participant.connected'] });
    const stored = async () => JSON.parse(String(await deliveries.state(id)));
    await inTime(async () => expect((await stored()).isLive).toBe(true));
    await call('PATCH', `/${id}`, { enabled: false });
    await inTime(async () => expect((await stored()).isLive).toBe(false));
    for (let n = 0; n < 60; n += 1) await report(`lost${n}`);
    await feed.trim({ maxBytes: 1_000, retentionMs: HOUR_MS });
    const taken = receiver.answer;
    receiver.answer = (_webhook, response) => void response.writeHead(503).end();
    await call('PATCH', `/${id}`, { enabled: true });
    const hasGap = ({ gap }: { readonly gap?: object }) => gap !== undefined;
    await inTime(async () => expect((await stored()).messages.filter(hasGap)).toHaveLength(1));
    const { position } = (await service.request('/v1/changes')).json;
    const refused = receiver.all.length;
    expect((await call('POST', `/${id}/replay`, { from: position })).status).toBe(202);
    await inTime(() => expect(receiver.all.length).toBeGreaterThan(refused));
    receiver.answer = taken;
    await inTime(() => expect(receiver.taken.map(({ type }) => type)).toContain('feed.gap'), 2_000);
  });

  itByOwnClock('keep the feed for the slowest endpoint, as long as that needs it', async () => {
    await start({ feed: { maxBytes: 1_000_000, retentionMs: 1_000 } });
    const { position } = (await service.request('/v1/changes')).json;
    const statusOf = async () => (await service.request(`/v1/changes?after=${position}`)).status;
    await create({ types: ['participant.connected'] });
    const taken = receiver.answer;
    receiver.answer = (_webhook, response) => void response.writeHead(500).end();
    for (const name of ['a', 'b']) await report(name);
    await inTime(() => expect(receiver.all.length).toBeGreaterThan(1));
    const untilMs = clock.now() + 3 * MINUTE_MS;
    await inTime(() => expect(clock.now()).toBeGreaterThan(untilMs), 2_000);
    expect(await statusOf()).toBe(200);
    receiver.answer = taken;
    await inTime(() => expect(Object.keys(receiver.takenTypes()).sort()).toEqual(['a', 'b']), 2_000);
    expect(receiver.taken.map(({ type }) => type)).not.toContain('feed.gap');
    await inTime(async () => expect(await statusOf()).toBe(410), 2_000);
  });

  it('can be looked at: attempts, and how the endpoint fares', async () => {
    await start();
    const { id } = await create({ types: ['participant.connected'] });
    receiver.answer = (_webhook, response) => void response.writeHead(500).end('out of order');
    await report('a');
    await inTime(async () => {
      const { items } = (await service.request(`${PATH}/${id}/deliveries`)).json;
      expect(items.length).toBeGreaterThan(1);
      expect(items[0]).toMatchObject({
        messageId: receiver.all[0]?.id,
        type: 'participant.connected',
        changes: 1,
        status: 500,
        answer: 'out of order',
        durationMs: expect.any(Number),
      });
    }, 2_000);
    const { delivery } = await find(id);
    expect(delivery).toMatchObject({ waiting: 1, failingSince: expect.any(String), lastError: 'status 500' });
    expect(delivery.failures).toBeGreaterThan(1);
    expect(delivery.lagMs).toBeGreaterThan(0);
    receiver.answer = (_webhook, response) => void response.writeHead(204).end();
    await inTime(async () => {
      expect((await find(id)).delivery).toEqual({
        waiting: 0,
        unread: 0,
        lagMs: 0,
        failures: 0,
        lastDeliveryAt: expect.any(String),
      });
    }, 2_000);
  });

  it('can be watched: endpoints by state, lag, what waits, and dead letters', async () => {
    await start();
    const value = async (name: string, state?: string) => {
      const { text } = await service.request('/metrics');
      return parseSeries(text).get(state === undefined ? name : `${name}{state="${state}"}`);
    };
    const counts = async () => {
      const states = ['delivering', 'failing', 'paused', 'disabled', 'undecodable'];
      return Promise.all(states.map((state) => value('rollcall_webhook_endpoints', state)));
    };
    const { id } = await create({ types: ['participant.connected'] });
    await create({ enabled: false });
    await service.storage.webhookSettings.replace('ep_broken', null, '{');
    await inTime(async () => expect(await counts()).toEqual([1, 0, 1, 0, 1]));
    receiver.answer = (_webhook, response) => void response.writeHead(500).end();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await report(name);
    await inTime(async () => expect(await counts()).toEqual([0, 1, 1, 0, 1]), 1_000);
    expect(await value('rollcall_webhook_waiting_changes', 'failing')).toBe(6);
    expect(await value('rollcall_webhook_lag_seconds', 'failing')).toBeGreaterThan(0);
    expect(await value('rollcall_webhook_lag_seconds', 'delivering')).toBe(0);
    expect(await value('rollcall_webhook_attempts_total{outcome="refused"}')).toBeGreaterThanOrEqual(5);
    expect(await value('rollcall_webhook_dead_letters_kept')).toBe(0);
    receiver.answer = (_webhook, response) => void response.writeHead(410).end();
    await call('PATCH', `/${id}`, { description: 'changed' });
    await inTime(async () => expect(await counts()).toEqual([0, 0, 1, 1, 1]), 10_000);
  });

  it('can be looked at: what waits in the feed', async () => {
    await start();
    const { id } = await create({ types: ['participant.connected'], tag: 'red' });
    await report('a', 'onConnect', { tag: 'red' });
    await inTime(() => expect(receiver.taken).toHaveLength(1));
    await call('PATCH', `/${id}`, { enabled: false });
    const isStopped = async () => JSON.parse(String(await service.storage.deliveries.state(id))).isLive === false;
    await inTime(async () => expect(await isStopped()).toBe(true));
    for (let n = 0; n < 3; n += 1) await report(`red${n}`, 'onConnect', { tag: 'red' });
    await report('blue', 'onConnect', { tag: 'blue' });
    clock.advance(MINUTE_MS);
    const { delivery } = await find(id);
    expect(delivery).toMatchObject({ waiting: 0, unread: 3 });
    expect(delivery.moreUnread).toBeUndefined();
    expect(delivery.lagMs).toBeGreaterThanOrEqual(MINUTE_MS);
    expect((await service.request(PATH)).json.items[0].delivery).toMatchObject({ unread: 3 });
    for (let n = 0; n < 130; n += 1) await report(`more${n}`, 'onConnect', { tag: 'red' });
    const more = (await find(id)).delivery;
    expect(more.moreUnread).toBe(true);
    expect(more.unread).toBeGreaterThanOrEqual(100);
    await call('PATCH', `/${id}`, { enabled: true });
    await inTime(() => expect(receiver.taken).toHaveLength(134));
    await inTime(async () => expect((await find(id)).delivery).toMatchObject({ waiting: 0, unread: 0, lagMs: 0 }));
  });

  it('can be sent again from a position or a time, with the same ids', async () => {
    await start();
    const { id } = await create({ types: ['participant.connected'] });
    const position = (await service.request('/v1/changes')).json.position;
    for (const name of ['a', 'b', 'c']) await report(name);
    const idsOf = () => receiver.taken.map((webhook) => webhook.id).toSorted();
    await inTime(() => expect(receiver.taken).toHaveLength(3));
    const first = idsOf();
    const replay = (from: string) => call('POST', `/${id}/replay`, { from });
    expect([(await replay(position)).status, (await replay('yesterday')).status]).toEqual([202, 400]);
    await inTime(() => expect(receiver.taken).toHaveLength(6));
    expect(idsOf()).toEqual([...first, ...first].toSorted());
    expect((await replay('2020-01-01T00:00:00Z')).status).toBe(202);
    await inTime(() => expect(receiver.taken).toHaveLength(9));
    const later = (await service.request('/v1/changes')).json.position;
    await report('d');
    await inTime(() => expect(receiver.taken).toHaveLength(10));
    expect((await replay(later)).status).toBe(202);
    await inTime(() => expect(receiver.taken).toHaveLength(11));
    expect(receiver.taken.at(-1)?.data.participantId).toBe('d');
  });

  it('can be tested, and dead letters sent again', async () => {
    await start();
    const { id, secret } = await create();
    receiver.secrets = [secret];
    const tested = await call('POST', `/${id}/test`, {});
    expect([tested.status, tested.json]).toMatchObject([200, { delivered: true, status: 204 }]);
    expect(receiver.all).toMatchObject([{ type: 'webhook.test', id: tested.json.messageId }]);
    const attemptsOf = async (of: string) => (await service.request(`${PATH}/${of}/deliveries`)).json.items;
    const testAttempt = {
      messageId: tested.json.messageId,
      type: 'webhook.test',
      changes: 0,
      status: 204,
      manual: true,
    };
    expect(await attemptsOf(id)).toMatchObject([testAttempt]);
    const dead = await storedDeadLetter(service);
    await call('PATCH', `/${dead.id}`, { url: receiver.url });
    receiver.secrets = [];
    const path = `/${dead.id}/dead-letters`;
    expect((await service.request(PATH + path)).json.items).toMatchObject([{ id: dead.letterId, messageId: 'msg_1' }]);
    const taken = receiver.answer;
    receiver.answer = (_webhook, response) => void response.writeHead(400).end();
    const again = () => call('POST', `${path}/${dead.letterId}/retry`, {});
    expect((await again()).json).toMatchObject({ delivered: false, status: 400 });
    receiver.answer = taken;
    clock.advance(1);
    expect((await again()).json).toMatchObject({ delivered: true, messageId: 'msg_1' });
    expect((await again()).status).toBe(404);
    const retry = { messageId: 'msg_1', type: 'participant.connected', changes: 1, manual: true };
    expect(await attemptsOf(dead.id)).toMatchObject([
      { ...retry, status: 204 },
      { ...retry, status: 400 },
    ]);
    expect((await service.request(PATH + path)).json).toEqual({ items: [] });
    expect(receiver.faults).toEqual([]);
  });
});
