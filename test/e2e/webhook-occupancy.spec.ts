// Webhooks about tags and rules, of the whole service.
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import type { Service } from './service.js';
import { onEachStore } from './stores.js';
import { WebhookReceiver } from './webhook-receiver.js';

const ENDPOINTS = '/v1/webhooks/endpoints';
const RULES = '/v1/webhooks/rules';
const TAG_TYPES = ['tag.occupied', 'tag.vacated'];
const RULE_TYPES = ['occupancy.alert', 'occupancy.ok'];

describe.each(onEachStore())('webhooks about occupancy on %s', (store, open) => {
  let clock: ManualClock;
  let service: Service;
  let receiver: WebhookReceiver;
  let redisPrefix: string;
  beforeEach(async () => {
    clock = new ManualClock(Date.now());
    receiver = await WebhookReceiver.start();
    redisPrefix = randomUUID();
    service = await open({ clock, redisPrefix });
  });
  afterEach(async () => {
    await service.stop();
    receiver.stop();
  });

  const call = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    service.request(path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
  const create = async (settings: object) => {
    const made = await call('POST', ENDPOINTS, { url: receiver.url, ...settings });
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    return made.json as { readonly id: string };
  };
  const createRule = async (settings: object) => {
    const made = await call('POST', RULES, settings);
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    return made.json as { readonly id: string };
  };
  let sent = 0;
  const report = async (participantId: string, event: string, tag: string) => {
    sent += 1;
    const answer = await service.callback({ timestamp: String(clock.now() + sent), participantId, event, tag });
    expect(answer.status).toBe(204);
  };
  const inTime = (observe: () => unknown, stepMs = 250) =>
    eventually(async () => {
      clock.advance(stepMs);
      await turn();
      await observe();
    });
  const told = () => receiver.taken.map(({ type, data }) => `${type} ${data.tag ?? data.rule?.id}`);
  /** Until everything that was reported is followed. */
  const settle = async () => {
    const { position } = (await service.request('/v1/changes')).json;
    await inTime(async () => {
      const text = await service.storage.occupancyEvents.state();
      const read = JSON.parse(String(text)).position as { readonly entry: string }[];
      expect(read.map(({ entry }) => entry)).toEqual([position.split('.')[1]]);
    }, 6_000);
  };

  it('tell of the first in and the last out', async () => {
    await create({ types: TAG_TYPES });
    await report('a', 'onConnect', 'red');
    await report('b', 'onConnect', 'red');
    await inTime(() => expect(told()).toEqual(['tag.occupied red']));
    await report('a', 'onLeave', 'red');
    await report('b', 'onLeave', 'red');
    await inTime(() => expect(told()).toEqual(['tag.occupied red', 'tag.vacated red']));
    const [occupied, vacated] = receiver.taken;
    expect(occupied?.data).toEqual({ type: 'tag.occupied', tag: 'red', since: expect.any(String) });
    expect(Date.parse(vacated?.data.since)).toBeLessThanOrEqual(clock.now() - 10_000);
    // Only these were asked for.
    expect(new Set(receiver.all.map(({ type }) => type))).toEqual(new Set(TAG_TYPES));
    const metrics = await service.request('/metrics');
    expect(metrics.text).toContain('rollcall_webhook_occupancy_events_total{type="tag.vacated"} 1');
    expect(metrics.text).toMatch(/^rollcall_webhook_occupancy_lag_seconds \d/m);
  });

  it('go to endpoints that ask for them, by tag, and to no others', async () => {
    const others = await WebhookReceiver.start();
    await create({ url: others.url });
    await create({ url: others.url, types: TAG_TYPES, source: 'bandwidth' });
    await create({ types: [...TAG_TYPES, 'participant.connected'], tag: 'red', batch: 10 });
    await report('a', 'onConnect', 'blue');
    await report('a', 'onLeave', 'blue');
    await report('b', 'onConnect', 'red');
    await inTime(() =>
      expect(receiver.taken.map(({ type }) => type).sort()).toEqual(['presence.batch', 'tag.occupied']),
    );
    await inTime(() => expect(others.taken.map(({ type }) => type)).toContain('participant.gone'));
    await settle();
    expect(others.all.filter(({ type }) => type.startsWith('tag.'))).toEqual([]);
    others.stop();
  });

  it('are sent again with the same id, in order for each tag, and to an endpoint that was paused', async () => {
    const { id } = await create({ types: TAG_TYPES });
    let refusals = 2;
    receiver.answer = (webhook, response) => {
      webhook.isTaken = webhook.data.tag !== 'red' || refusals <= 0;
      if (webhook.data.tag === 'red') refusals -= 1;
      response.writeHead(webhook.isTaken ? 204 : 500).end();
    };
    await report('a', 'onConnect', 'red');
    await inTime(() => expect(receiver.all).toHaveLength(1));
    await report('a', 'onLeave', 'red');
    await report('b', 'onConnect', 'blue');
    const ofTag = (tag: string) => told().filter((one) => one.endsWith(tag));
    await inTime(() => {
      expect(ofTag('red')).toEqual(['tag.occupied red', 'tag.vacated red']);
      expect(ofTag('blue')).toEqual(['tag.occupied blue']);
    }, 2_000);
    const ids = receiver.all.filter(({ type, data }) => type === 'tag.occupied' && data.tag === 'red');
    expect(ids).toHaveLength(3);
    expect(new Set(ids.map((one) => one.id)).size).toBe(1);
    await call('PATCH', `${ENDPOINTS}/${id}`, { enabled: false });
    await report('b', 'onLeave', 'blue');
    await inTime(async () => expect((await service.storage.occupancyEvents.events(0, 10)).length).toBe(4));
    await call('PATCH', `${ENDPOINTS}/${id}`, { enabled: true });
    await inTime(() => expect(told().slice(3)).toEqual(['tag.vacated blue']));
  });

  it('go on after a restart, and can be replayed', async () => {
    const { id } = await create({ types: TAG_TYPES });
    const beginMs = clock.now();
    clock.advance(1_000);
    await report('a', 'onConnect', 'red');
    await inTime(() => expect(told()).toEqual(['tag.occupied red']));
    await report('a', 'onLeave', 'red');
    await inTime(async () => expect((await service.storage.occupancyEvents.tags()).get('red')).toBeGreaterThan(0));
    // One process cannot open an SQLite file twice.
    if (store === 'Redis') {
      await service.stop();
      service = await open({ clock, redisPrefix });
    }
    await inTime(() => expect(told()).toEqual(['tag.occupied red', 'tag.vacated red']));
    const replay = { from: new Date(beginMs).toISOString() };
    expect((await call('POST', `${ENDPOINTS}/${id}/replay`, replay)).status).toBe(202);
    await inTime(() => expect(told()).toEqual([...TAG_TYPES, ...TAG_TYPES].map((type) => `${type} red`)));
    expect(new Set(receiver.all.map((one) => one.id)).size).toBe(2);
  });

  it('cost nothing while nobody asks for them', async () => {
    await create({});
    await createRule({ tag: 'red', below: 1 });
    await report('a', 'onConnect', 'red');
    await inTime(() => expect(receiver.taken.map(({ type }) => type)).toContain('participant.connected'));
    await inTime(async () => expect((await service.request('/metrics')).text).toContain('webhook_attempts_total'));
    expect(await service.storage.occupancyEvents.state()).toBeNull();
    expect(await service.storage.occupancyEvents.tags()).toEqual(new Map());
    expect((await service.request('/metrics')).text).not.toMatch(/^rollcall_webhook_occupancy_lag_seconds /m);
  });

  it('tell of a rule that is broken for long enough, and of its end', async () => {
    await create({ types: RULE_TYPES });
    const { id } = await createRule({ tag: 'support', metric: 'connected', below: 2, forMs: 30_000 });
    await report('a', 'onConnect', 'support');
    await inTime(() => expect(told()).toEqual([`occupancy.alert ${id}`]), 1_000);
    expect(receiver.taken[0]?.data).toMatchObject({
      rule: { id, tag: 'support', metric: 'connected', below: 2, forMs: 30_000 },
      value: 1,
    });
    await report('b', 'onConnect', 'support');
    await inTime(() => expect(told()).toHaveLength(2), 1_000);
    expect(receiver.taken[1]).toMatchObject({ type: 'occupancy.ok', data: { value: 2 } });
    await report('b', 'onLeave', 'support');
    await inTime(() => expect(told()).toHaveLength(3), 1_000);
    expect((await call('DELETE', `${RULES}/${id}`)).status).toBe(204);
    await inTime(() => expect(told()).toHaveLength(4));
    expect(receiver.taken[3]).toMatchObject({ type: 'occupancy.ok', data: { cause: 'rule-deleted' } });
  });

  it('have rules that are checked, listed, changed and deleted', async () => {
    const bad: [object, string][] = [
      [{ below: 1 }, '#/tag'],
      [{ tag: 'a', tagPrefix: 'b', below: 1 }, '#/tag'],
      [{ tag: 'a' }, '#/below'],
      [{ tag: 'a', below: 1, above: 1 }, '#/below'],
      [{ tag: 'a', below: 0 }, '#/below'],
      [{ tag: 'a', above: 1.5 }, '#/above'],
      [{ tag: '', above: 1 }, '#/tag'],
      [{ tagPrefix: 'a\0', above: 1 }, '#/tagPrefix'],
      [{ tag: 'a', above: 1, metric: 'busy' }, '#/metric'],
      [{ tag: 'a', above: 1, forMs: -1 }, '#/forMs'],
      [{ tag: 'a', above: 1, other: 1 }, '#/other'],
    ];
    for (const [body, pointer] of bad) {
      const answer = await call('POST', RULES, body);
      expect([body, answer.status]).toEqual([body, 400]);
      expect(answer.json.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    }
    const key = { 'idempotency-key': 'one' };
    const made = await call('POST', RULES, { tag: 'a', above: 1 }, key);
    expect(made.json).toMatchObject({ tag: 'a', above: 1, metric: 'connected', forMs: 0 });
    expect((await call('POST', RULES, { tag: 'a', above: 1 }, key)).json).toEqual(made.json);
    expect((await call('POST', RULES, { tag: 'b', above: 1 }, key)).status).toBe(422);
    expect((await call('GET', RULES)).json.items).toEqual([made.json]);
    const path = `${RULES}/${made.json.id}`;
    const etag = String((await call('GET', path)).headers.get('etag'));
    const changed = await call('PATCH', path, { tag: null, tagPrefix: 'a' }, { 'if-match': etag });
    expect(changed.json).toMatchObject({ tagPrefix: 'a', above: 1 });
    expect(changed.json).not.toHaveProperty('tag');
    expect((await call('PATCH', path, { above: 2 }, { 'if-match': etag })).status).toBe(412);
    expect((await call('PATCH', path, { above: null })).json.errors[0].pointer).toBe('#/below');
    expect((await call('DELETE', path, undefined, { 'if-match': etag })).status).toBe(412);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('GET', path)).json.type).toBe('urn:rollcall:problem:unknown-rule');
    for (let n = 0; n < 100; n += 1) await createRule({ tag: `${n}`, above: 1 });
    expect((await call('POST', RULES, { tag: 'a', above: 1 })).json.type).toBe('urn:rollcall:problem:too-many-rules');
  });

  it('leave out a rule that cannot be decoded, which can be deleted', async () => {
    const path = `${RULES}/rule_broken`;
    expect(await service.storage.webhookSettings.replace('rule_broken', null, '{')).toBe(true);
    const { id } = await createRule({ tag: 'a', above: 1 });
    const { items } = (await call('GET', RULES)).json;
    expect(items.map((rule: { readonly id: string }) => rule.id)).toEqual([id]);
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('PATCH', path, { above: 2 })).status).toBe(404);
    expect((await call('DELETE', path, undefined, { 'if-match': '"x"' })).status).toBe(404);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('DELETE', path)).status).toBe(404);
    const complaints = service.logged.filter(({ msg }) => String(msg).includes('cannot be decoded'));
    expect(complaints).toMatchObject([{ rule: 'rule_broken', reason: 'it is not valid JSON' }]);
  });
});
