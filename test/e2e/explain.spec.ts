// Explanations of presence over HTTP.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import { RULES, type Rule } from '../../src/domain/rules.js';
import type { SourceName } from '../../src/domain/subject.js';
import { bandwidth } from '../../src/sources/bandwidth/bandwidth-source.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { formDialect, signUrl } from '../sources/form-source.js';
import { SEED, type Service } from './service.js';
import { onEachStore } from './stores.js';

const NOW = Date.parse('2026-11-23T09:30:00.000Z');
const KEY = 'a-signing-key';
const PUBLIC_URL = 'https://rollcall.example.com';
const POLICY = { graceMs: 15_000, leaveGraceMs: 0, overlapMs: 60_000, maxConnectionMs: 32_400_000 };
const { participantId: ID, deviceId } = SEED;
const iso = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();
const named = (rule: Rule) => ({ rule, meaning: RULES[rule] });

describe.each(onEachStore())('the explanation of a participant on %s', (_, start) => {
  let service: Service;
  let clock: ManualClock;
  beforeEach(async () => {
    clock = new ManualClock(NOW);
    service = await start({
      clock,
      policy: POLICY,
      sources: [
        { name: BANDWIDTH, dialect: 'bandwidth' },
        { name: 'forms' as SourceName, dialect: 'form', settings: { keys: [KEY], reasonlessEnd: 'left' } },
      ],
      dialects: { bandwidth, form: formDialect },
      access: { publicUrl: PUBLIC_URL },
    });
  });
  afterEach(() => service.stop());

  /** Received now; `at`: when it occurred, in seconds from the start of the test. */
  async function report(event: string, at: number, parts: object = {}): Promise<void> {
    expect((await service.callback({ event, timestamp: String(NOW + at * 1_000), ...parts })).status).toBe(204);
  }
  async function reportForm(event: string, at: number, parts: object = {}): Promise<void> {
    const fields = { room: 'r1', user: 'ann', device: 'd1', event, at: String(NOW + at * 1_000), ...parts };
    const body = new URLSearchParams(fields).toString();
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-signature': signUrl(KEY, `${PUBLIC_URL}/callbacks/forms`, body),
    };
    expect((await service.request('/callbacks/forms', { method: 'POST', headers, body })).status).toBe(200);
  }
  const get = async (path: string) => (await service.request(path)).json;

  it('has the events in the order in which they are applied, what each did, and what comes next', async () => {
    await report('onDisconnect', -4);
    clock.advance(1_000);
    await report('onConnect', -10);
    clock.advance(2_000);
    await report('onConnect', 2);
    const explanation = await service.request(`/v1/participants/${ID}/explain`);
    expect(explanation.status).toBe(200);
    expect(explanation.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const participant = await get(`/v1/participants/${ID}`);
    const expiry = {
      at: new Date(NOW + 3_000 + POLICY.maxConnectionMs + 1).toISOString(),
      ...named('expired'),
      deviceId,
    };
    expect(explanation.json).toEqual({
      participant,
      ...named('device-connected'),
      devices: [
        {
          steps: [
            {
              ...named('opened'),
              event: { kind: 'connected', occurredAt: iso(-10), receivedAt: iso(1), delayMs: 11_000, overtakenBy: 1 },
              state: 'connected',
            },
            {
              ...named('lost'),
              event: { kind: 'disconnected', occurredAt: iso(-4), receivedAt: iso(0), delayMs: 4_000, overtakenBy: 0 },
              state: 'reconnecting',
            },
            {
              ...named('resumed'),
              event: { kind: 'connected', occurredAt: iso(2), receivedAt: iso(3), delayMs: 1_000, overtakenBy: 0 },
              state: 'connected',
            },
          ],
          result: participant.devices[0],
          sockets: 1,
          next: expiry,
        },
      ],
      ends: [],
      availability: [],
      next: expiry,
      policy: {
        ...POLICY,
        devicesAtOnce: 'many',
        socketsPerDevice: 'many',
        clockSkewMs: 5_000,
        retentionMs: 604_800_000,
      },
    });
  });

  it('tells of doubt, of what time did, and of an operator', async () => {
    await report('onConnect', -30);
    await report('onConnect', -20);
    await report('onDisconnect', -18);
    const doubtful = await get(`/v1/participants/${ID}/explain`);
    expect(doubtful.devices[0]).toMatchObject({ sockets: 1, doubtfulSince: iso(-18), result: { doubtful: true } });
    await report('onDisconnect', -10);
    clock.advance(POLICY.graceMs);
    await eventually(async () => {
      const { devices, next, rule } = await get(`/v1/participants/${ID}/explain`);
      expect([rule, next.rule]).toEqual(['all-devices-gone', 'participant-forgotten']);
      expect(devices[0].steps.at(-1)).toEqual({ ...named('grace-over'), dueAt: iso(15), state: 'gone' });
    });
    await report('onConnect', 0, { participantId: 'ghost' });
    expect((await service.request('/v1/participants/ghost', { method: 'DELETE' })).status).toBe(204);
    const [ghost] = (await get('/v1/participants/ghost/explain')).devices;
    expect(ghost.steps.map(({ rule }: { rule: string }) => rule)).toEqual(['opened', 'ended-by-operator']);
    expect(ghost.steps.at(-1)).toMatchObject({ event: { kind: 'ended' }, state: 'gone' });
  });

  it('tells of ends of all devices, and of availability, in a scope of another source', async () => {
    await reportForm('joined', -60);
    await reportForm('available', -50);
    await reportForm('room-ended', -20);
    await eventually(async () => {
      const { participant, devices, ends, availability } = await get(
        '/v1/participants/ann/explain?source=forms&scope=r1',
      );
      expect(participant).toMatchObject({ participantId: 'ann', source: 'forms', scope: 'r1', state: 'gone' });
      expect(ends).toMatchObject([{ kind: 'participant-left', occurredAt: iso(-20) }]);
      expect(devices[0].steps.at(-1)).toMatchObject({ ...named('left'), event: ends[0] });
      expect(availability).toMatchObject([{ ...named('availability-not-connected'), availability: 'unknown' }]);
    });
  });

  it('says what came before the events that are kept', async () => {
    for (let n = 0; n <= MAX_KEPT_EVENTS; n += 1) await report(n % 2 === 0 ? 'onConnect' : 'onDisconnect', n - 60);
    const [device] = (await get(`/v1/participants/${ID}/explain`)).devices;
    expect(device.earlier).toEqual({ upTo: iso(-60), state: 'connected', connectedAt: iso(-60), interruptions: 0 });
    expect(device.steps).toHaveLength(MAX_KEPT_EVENTS);
  });

  it('of an unknown participant is no answer to those that wait for theirs', async () => {
    await service.callback();
    const ids = [ID, 'nobody', ID, ID, ID].map(encodeURIComponent);
    const answers = await Promise.all(ids.map((id) => service.request(`/v1/participants/${id}/explain`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 200, 200]);
  });

  it.each([
    ['an unknown participant', '/v1/participants/nobody/explain', 404, 'unknown-participant'],
    ['an unknown scope', `/v1/participants/${ID}/explain?scope=r9`, 404, 'unknown-participant'],
    ['an unknown source', `/v1/participants/${ID}/explain?source=zzz`, 400, 'invalid-request'],
    ['an unknown parameter', `/v1/participants/${ID}/explain?at=now`, 400, 'invalid-request'],
    ['an invalid id', '/v1/participants/%00/explain', 400, 'invalid-request'],
  ])('is refused for %s', async (_what, path, status, type) => {
    await report('onConnect', 0);
    const { status: answered, json } = await service.request(path);
    expect([answered, json.type]).toEqual([status, `urn:rollcall:problem:${type}`]);
  });
});
