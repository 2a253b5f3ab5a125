// The authenticity and the meaning of CloudEvents: recorded cases, and what the official SDKs sign, build, verify and read.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import type { SourceName } from '../../../src/domain/subject.js';
import { generic } from '../../../src/sources/generic/generic-source.js';
import { signingSecrets } from '../../../src/sources/generic/standard-webhooks.js';
import { bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'generic' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;

interface Config {
  readonly secrets: readonly string[];
}

const sourceWith = (secrets: readonly string[]) =>
  generic.create(SOURCE, { signingSecrets: secrets.length > 0 ? signingSecrets.read(secrets.join(',')) : [] });
const translate = (body: unknown) => sourceWith([]).translate(body, RECEIVED_AT_MS);

/** The verdict of the official SDK, which knows one secret at a time. */
function verdictOfSdk(secret: string, body: string, headers: Readonly<Record<string, string>>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

describe('the signature of Standard Webhooks', () => {
  afterEach(() => void jest.useRealTimers());

  const cases = signatureCases<Config>('generic');
  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    // The SDK reads the time of the system.
    jest.useFakeTimers({ now: one.now, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout'] });
    const expected = one.expect === 'accept';
    const isAuthentic = async (headers: Readonly<Record<string, string>>) =>
      (await sourceWith(one.config.secrets).authenticate?.({ ...rawCallback(one), headers }, one.now))?.outcome ===
      'authentic';
    expect(await isAuthentic(one.headers)).toBe(expected);
    expect(one.config.secrets.some((secret) => verdictOfSdk(secret, one.rawBody, one.headers))).toBe(expected);
    for (const { verdict } of one.checkedBy) expect(verdict).toBe(one.expect);
    const renamed = Object.entries(one.headers).map(([name, value]) => [name.replace('webhook-', 'svix-'), value]);
    expect(await isAuthentic(Object.fromEntries(renamed))).toBe(expected);
  });

  const secret = `whsec_${Buffer.alloc(24, 'k').toString('base64')}`;
  const another = `whsec_${Buffer.alloc(64, 'a').toString('base64')}`;
  const body = '{"specversion":"1.0"}';
  const now = new Date('2026-09-21T14:13:22.500Z');
  const signed = (by = secret, id = 'msg_1', at = now) => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(by).sign(id, at, body),
  });
  const authenticate = (headers: Record<string, string>) =>
    sourceWith([secret]).authenticate?.({ headers, body: Buffer.from(body), url: undefined }, now.getTime());

  it('is that of the SDK, and refused for the reason that is logged', async () => {
    const valid = signed();
    const { 'webhook-signature': signature } = valid;
    const sixMinutes = (sign: 1 | -1) => signed(secret, 'msg_1', new Date(now.getTime() + sign * 360_000));
    for (const headers of [
      valid,
      { ...valid, 'webhook-signature': `v2,x v1, ${signature}` },
      { ...valid, 'svix-id': 'x' },
    ]) {
      expect(await authenticate(headers)).toEqual({ outcome: 'authentic' });
    }
    const refused: [Record<string, string>, string][] = [
      [{}, 'no-credentials'],
      [{ ...valid, 'webhook-id': '' }, 'no-credentials'],
      [{ ...valid, 'webhook-timestamp': `${valid['webhook-timestamp']}.0` }, 'malformed-credentials'],
      [{ ...valid, 'webhook-timestamp': '-1' }, 'malformed-credentials'],
      [{ ...valid, 'webhook-signature': signature.replace('v1,', 'v1a,') }, 'wrong-signature'],
      [{ ...valid, 'webhook-signature': signature.replace('v1,', '') }, 'wrong-signature'],
      [{ ...valid, 'webhook-signature': `${signature}=` }, 'wrong-signature'],
      [{ ...valid, 'webhook-signature': 'v1,' }, 'wrong-signature'],
      [{ ...valid, 'svix-signature': signature, 'webhook-signature': 'v1,x' }, 'wrong-signature'],
      [signed(another), 'wrong-signature'],
      [sixMinutes(1), 'outdated-signature'],
      [sixMinutes(-1), 'outdated-signature'],
    ];
    for (const [headers, reason] of refused) {
      expect([headers, await authenticate(headers)]).toEqual([headers, { outcome: 'rejected', reason }]);
    }
  });

  it.each([
    '',
    'whsec_',
    Buffer.alloc(24, 'k').toString('base64'),
    `whsec_${Buffer.alloc(23, 'k').toString('base64')}`,
    `whsec_${Buffer.alloc(65, 'k').toString('base64')}`,
    `whsec_${Buffer.alloc(24, 'k').toString('base64')}!`,
    `whpk_${Buffer.alloc(32, 'k').toString('base64')}`,
    `${secret},`,
  ])('needs secrets, which are refused without telling them: %s', (text) => {
    expect(() => signingSecrets.read(text)).toThrow(
      /^must be a comma-separated list of secrets, each whsec_ and 24 to 64 bytes in Base64$/,
    );
  });
});

describe('a CloudEvent', () => {
  it.each([...bodyCases('generic/bodies')].map((one) => [one.name, one] as const))(
    'in the recorded case: %s',
    (_, one) => {
      const { outcome, events } = one.expect;
      expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
      if (one.eventId === undefined || !events) return;
      expect(translate(JSON.parse(one.rawBody))).toMatchObject({ events: [{ eventId: one.eventId, precisionMs: 1 }] });
    },
  );

  /** As the SDK builds it. */
  const built = (data: object = {}, more: object = {}) => {
    const event = new CloudEvent({
      type: 'rollcall.device.connected',
      source: '/feeds/office',
      id: 'ev-1',
      time: '2026-09-21T16:13:21.437123+02:00',
      datacontenttype: 'application/json; charset=utf-8',
      data: {
        participantId: 'alice',
        deviceId: 'conn-1',
        scope: 'room-42',
        tag: 'support',
        labels: { call: '42' },
        ...data,
      },
      ...more,
    });
    return JSON.parse(String(HTTP.structured(event).body));
  };
  const eventOf = (body: unknown) => {
    const translation = translate(body);
    return translation.outcome === 'events' ? translation.events[0] : translation;
  };

  it('becomes an event with all that it says', () => {
    expect(eventOf(built())).toEqual({
      subject: { source: SOURCE, scope: 'room-42', participantId: 'alice' },
      deviceId: 'conn-1',
      kind: 'connected',
      occurredAtMs: 1_790_000_001_437,
      receivedAtMs: RECEIVED_AT_MS,
      precisionMs: 1,
      eventId: '/feeds/office ev-1',
      tag: 'support',
      labels: { call: '42' },
    });
    const minimal = eventOf({ ...built({ scope: null, tag: '', labels: {} }), datacontenttype: null, subject: 7 });
    expect(minimal).toMatchObject({ subject: { scope: '' } });
    expect(minimal).not.toHaveProperty('tag');
    expect(minimal).not.toHaveProperty('labels');
  });

  it('means what the documentation says of each type', () => {
    const effects = documentedEffects('generic.md');
    const types = [...effects.keys()].filter((name) => /^(rollcall\.[a-z.*]+|\*)$/.test(name));
    expect(types).toHaveLength(6);
    for (const type of types) {
      const translation = translate(built({}, { type: type.replace('*', 'other') }));
      const effect = translation.outcome === 'events' ? translation.events[0]?.kind : translation.outcome;
      expect([type, effect]).toEqual([type, effects.get(type)]);
    }
  });

  it.each<[object, string[]]>([
    [{ specversion: 1 }, ['#/specversion']],
    [{ type: '' }, ['#/type']],
    [{ type: ['rollcall.device.left'] }, ['#/type']],
    [{ source: '', id: undefined }, ['#/source', '#/id']],
    [{ id: 'a\nb' }, ['#/id']],
    [{ id: 7, source: 'a'.repeat(257) }, ['#/source', '#/id']],
    [{ time: 1_790_000_001_437 }, ['#/time']],
    [{ time: '2026-09-21' }, ['#/time']],
    [{ time: '2026-02-30T00:00:00Z' }, ['#/time']],
    [{ time: '0001-01-01T00:00:00Z' }, ['#/time']],
    [{ datacontenttype: 'text/xml' }, ['#/datacontenttype']],
    [{ data: undefined, data_base64: 'e30=' }, ['#/data/participantId', '#/data/deviceId']],
    [{ data: '{"participantId":"alice","deviceId":"conn-1"}' }, ['#/data/participantId', '#/data/deviceId']],
    [{ data: [] }, ['#/data/participantId', '#/data/deviceId']],
    [{ data: { participantId: 'alice', deviceId: 'c', scope: 7, tag: {} } }, ['#/data/scope', '#/data/tag']],
    [{ data: { participantId: 'alice', deviceId: 'c', tag: 'x'.repeat(1_025) } }, ['#/data/tag']],
    [{ data: { participantId: 'alice', deviceId: 'c', tag: 'a\0' } }, ['#/data/tag']],
    [{ data: { participantId: 'alice', deviceId: 'c', labels: 'call' } }, ['#/data/labels']],
    [{ data: { participantId: 'alice', deviceId: 'c', labels: { Call: '42' } } }, ['#/data/labels']],
    [{ data: { participantId: 'alice', deviceId: 'c', tag: '\ud800' } }, ['#/data/tag']],
  ])('is refused if its members are not valid: %j', (more, pointers) => {
    const translation = translate({ ...built(), ...more });
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });

  it('may be one of a batch, which is taken as a whole or not at all', () => {
    const [first, second] = [built(), built({}, { id: 'ev-2', type: 'rollcall.device.left' })];
    const batch = [first, built({}, { type: 'com.example.other' }), second];
    expect(
      HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents-batch+json' }, body: JSON.stringify(batch) }),
    ).toHaveLength(3);
    expect(translate(batch)).toMatchObject({
      events: [{ eventId: '/feeds/office ev-1' }, { eventId: '/feeds/office ev-2' }],
    });
    expect(translate([])).toEqual({ outcome: 'events', events: [] });
    const unknown = built({}, { type: 'rollcall.device.danced' });
    expect(translate([first, { ...first, data: {} }, 7, [first], unknown])).toMatchObject({
      outcome: 'invalid',
      errors: ['#/1/data/participantId', '#/1/data/deviceId', '#/2', '#/3', '#/4/type'].map((pointer) => ({ pointer })),
    });
    const many = translate(Array.from({ length: 30 }, () => ({})));
    expect(many.outcome === 'invalid' && many.errors).toHaveLength(20);
  });
});
