// The authenticity and the meaning of Agora's notifications, by recorded cases. Agora has no library that signs or verifies them.
import { describe, expect, it } from '@jest/globals';
import { inOrder, type LifecycleEvent } from '../../../src/domain/lifecycle-event.js';
import type { SourceName } from '../../../src/domain/subject.js';
import { signingSecrets } from '../../../src/sources/agora/agora-authentication.js';
import { agora } from '../../../src/sources/agora/agora-source.js';
import { bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'agora' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;
const ACKNOWLEDGEMENT = { status: 200, body: {} };

interface Config {
  readonly secrets: readonly string[];
}

const sourceWith = (secrets: readonly string[]) => agora.create(SOURCE, { signingSecrets: secrets });
const source = sourceWith([]);
const translate = (body: unknown) => source.translate(body, RECEIVED_AT_MS);

describe('the signature of Agora', () => {
  const cases = signatureCases<Config>('agora');
  const authenticationOf = async (one: (typeof cases)[number]) =>
    sourceWith(one.config.secrets).authenticate?.(rawCallback(one), one.now);

  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    expect((await authenticationOf(one))?.outcome).toBe(one.expect === 'reject' ? 'rejected' : 'authentic');
    if (one.expect !== 'reject') expect(source.handshake?.(JSON.parse(one.rawBody))).toEqual(one.reply);
  });

  it('is the stronger one if it is there, even if it is empty', async () => {
    const [valid] = cases;
    if (!valid) throw new Error('there are no cases');
    const { 'agora-signature': sha1 = '', 'agora-signature-v2': sha256 = '' } = valid.headers;
    for (const [headers, reason] of [
      [{}, 'no-credentials'],
      [{ 'agora-signature': '' }, 'wrong-signature'],
      [{ 'agora-signature': sha256 }, 'wrong-signature'],
      [{ 'agora-signature-v2': sha1 }, 'wrong-signature'],
      [{ 'agora-signature': sha1, 'agora-signature-v2': '' }, 'wrong-signature'],
    ] as const) {
      const authentication = await authenticationOf({ ...valid, headers });
      expect([headers, authentication]).toEqual([headers, { outcome: 'rejected', reason }]);
    }
  });

  it.each(['', 'short', 'a-long-secret,', 'a-long-secret,with space in it'])('needs secrets, unlike %p', (text) => {
    expect(() => signingSecrets.read(text)).toThrow(/^must be a comma-separated list of secrets, each of 8 to 256/);
  });
});

describe('the body of Agora', () => {
  it('is acknowledged as Agora expects', () => {
    expect(agora.acknowledgement).toEqual(ACKNOWLEDGEMENT);
  });

  it.each(bodyCases('agora/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    if (outcome === 'handshake') {
      expect(source.handshake?.(JSON.parse(one.rawBody))).toEqual(ACKNOWLEDGEMENT);
      return;
    }
    expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    if (!events) return;
    const body = JSON.parse(one.rawBody);
    const subject = { source: SOURCE, scope: events[0]?.tag };
    const identity = { eventId: body.noticeId, sequence: one.seq, precisionMs: 1_000 };
    expect(translate(body)).toMatchObject({ events: [{ ...identity, subject }] });
    expect(source.handshake?.(body)).toBeUndefined();
  });

  const body = (eventType: number, payload: object = {}, more: object = {}) => ({
    noticeId: 'e-1',
    productId: 1,
    eventType,
    notifyMs: 1_790_000_001_950,
    payload: {
      channelName: 'r-42',
      uid: 7,
      platform: 7,
      clientSeq: 1,
      ts: 1_790_000_001,
      account: 'alice',
      ...payload,
    },
    ...more,
  });
  const eventOf = (value: unknown) => {
    const translation = translate(value);
    return translation.outcome === 'events' ? translation.events[0] : undefined;
  };
  const effectOf = (value: unknown) => eventOf(value)?.kind ?? translate(value).outcome;

  it('means what the documentation says of each type and reason', () => {
    const effects = (columns: 2 | 3) =>
      [...documentedEffects('agora.md', columns)].map(([name, effect]) => [Number(name), effect] as const);
    const types = effects(2).filter(([, effect]) => !effect.startsWith('depends'));
    expect(types).toHaveLength(8);
    for (const [type, effect] of types) expect([type, effectOf(body(type))]).toEqual([type, effect]);
    const reasons = effects(3).filter(([reason]) => Number.isInteger(reason));
    expect(reasons).toHaveLength(11);
    for (const leave of [104, 106, 108]) {
      for (const [reason, effect] of reasons) {
        expect([leave, reason, effectOf(body(leave, { reason }))]).toEqual([leave, reason, effect]);
      }
      for (const reason of [undefined, '1', 6, [1]]) expect(effectOf(body(leave, { reason }))).toBe('disconnected');
    }
  });

  it('does not matter if it is about a recorder, or another product', () => {
    for (const type of [103, 104]) {
      for (const clientType of [3, 10]) expect(effectOf(body(type, { platform: 6, clientType }))).toBe('ignored');
      expect(effectOf(body(type, { platform: 6, clientType: 8 }))).not.toBe('ignored');
      expect(effectOf(body(type, { platform: 7, clientType: 10 }))).not.toBe('ignored');
      expect(effectOf(body(type, {}, { productId: 3 }))).toBe('ignored');
    }
  });

  it('is a health check only with the user and the channel of one', () => {
    const payload = { channelName: 'test_webhook', uid: 12_121_212 };
    for (const type of [103, 104, 112]) expect(source.handshake?.(body(type, payload))).toEqual(ACKNOWLEDGEMENT);
    expect(source.handshake?.(body(103, { ...payload, uid: 7 }))).toBeUndefined();
    expect(source.handshake?.(body(103, { ...payload, channelName: 'r-42' }))).toBeUndefined();
  });

  it('is ordered by clientSeq, so that leaving and coming back within a second are told apart', () => {
    const join = eventOf(body(103, { ts: 1_790_000_000, clientSeq: 1 })) as LifecycleEvent;
    const leave = eventOf(body(104, { clientSeq: 2, reason: 1 })) as LifecycleEvent;
    const rejoin = eventOf(body(103, { clientSeq: 3 }, { noticeId: 'e-3' })) as LifecycleEvent;
    for (const events of [
      [join, leave, rejoin],
      [rejoin, leave, join],
      [join, rejoin, leave],
    ]) {
      expect(inOrder(events)).toEqual([join, leave, rejoin]);
    }
    expect(eventOf(body(103, { clientSeq: undefined }))).not.toHaveProperty('sequence');
  });

  it.each<[object, string[]]>([
    [{}, ['#/productId', '#/eventType']],
    [body(103, {}, { productId: '1' }), ['#/productId']],
    [body(103, {}, { eventType: '103' }), ['#/eventType']],
    [body(103, {}, { noticeId: 7 }), ['#/noticeId']],
    [body(103, {}, { payload: 'x' }), ['#/payload/channelName', '#/payload/uid', '#/payload/ts']],
    [body(103, { channelName: ['r'], account: 7 }), ['#/payload/channelName', '#/payload/account']],
    [body(104, { uid: '7' }), ['#/payload/uid']],
    [body(104, { uid: -1 }), ['#/payload/uid']],
    [body(104, { uid: 2 ** 32 }), ['#/payload/uid']],
    [body(105, { ts: 1_790_000_001_950 }), ['#/payload/ts']],
    [body(107, { ts: 1_790_000_001.5, clientSeq: '1' }), ['#/payload/ts', '#/payload/clientSeq']],
    [body(107, { clientSeq: -1 }), ['#/payload/clientSeq']],
    [body(107, { clientSeq: 2 ** 53 }), ['#/payload/clientSeq']],
  ])('is refused if its members are not valid: %j', (value, pointers) => {
    const translation = translate(value);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
