// The authenticity and the meaning of the webhooks of 100ms, by recorded cases. 100ms signs nothing: it sends a secret in a header.
import { describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../../src/domain/subject.js';
import { callbackHeader } from '../../../src/sources/authentication/fixed-header.js';
import { hms } from '../../../src/sources/hms/hms-source.js';
import { bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'hms' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;

interface Config {
  readonly header: string;
  readonly values: readonly string[];
}

const sourceWith = (setting: string) => hms.create(SOURCE, { callbackHeader: callbackHeader.read(setting) });
const source = sourceWith('');
const translate = (body: unknown) => source.translate(body, RECEIVED_AT_MS);

describe('the secret header of 100ms', () => {
  const cases = signatureCases<Config>('hms');
  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    const { header, values } = one.config;
    const withHeader = sourceWith(`${header}: ${values.join(',')}`);
    const authentication = await withHeader.authenticate?.(rawCallback(one), one.now);
    expect(authentication?.outcome).toBe(one.expect === 'reject' ? 'rejected' : 'authentic');
  });

  it('is not checked if it is not set: then the secret is in the URL', () => {
    expect(source).not.toHaveProperty('authenticate');
  });
});

describe('the body of 100ms', () => {
  it.each(bodyCases('hms/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    if (!events) return;
    const subject = { source: SOURCE, scope: events[0]?.tag };
    expect(translate(JSON.parse(one.rawBody))).toMatchObject({ events: [{ eventId: one.eventId, subject }] });
  });

  const body = (type: string, data: object = {}, more: object = {}) => ({
    type,
    id: 'e-1',
    data: {
      room_id: 'r-42',
      user_id: 'alice',
      peer_id: 'p-1',
      joined_at: '2026-09-21T14:13:21.437120393Z',
      left_at: '2026-09-21T14:14:21.655Z',
      ...data,
    },
    ...more,
  });
  const eventOf = (value: unknown) => {
    const translation = translate(value);
    return translation.outcome === 'events' ? translation.events[0] : undefined;
  };

  it('means what the documentation says of each type and reason', () => {
    const effects = [...documentedEffects('hms.md')].filter(([, effect]) => !effect.startsWith('depends'));
    const types = effects.filter(([name]) => name.includes('.'));
    expect(types).toHaveLength(17);
    for (const [type, effect] of types) {
      const value = body(type);
      expect([type, eventOf(value)?.kind ?? translate(value).outcome]).toEqual([type, effect]);
    }
    const reasons = effects.filter(([name]) => /^[a-z ]+$/.test(name));
    expect(reasons).toHaveLength(5);
    for (const [reason, effect] of reasons) {
      expect([reason, eventOf(body('peer.leave.success', { reason }))?.kind]).toEqual([reason, effect]);
    }
    for (const reason of [undefined, '', 'new', 7, ['client request']]) {
      expect(eventOf(body('peer.leave.success', { reason }))?.kind).toBe('disconnected');
    }
  });

  it('names the participant by the peer if it has no user', () => {
    for (const user_id of [undefined, null, '']) {
      expect(eventOf(body('peer.join.success', { user_id }))).toMatchObject({
        subject: { participantId: 'p-1' },
        deviceId: 'p-1',
      });
    }
  });

  it('does not date an end before its join', () => {
    const leave = body('peer.leave.success', { left_at: '2026-09-21T14:13:21Z' });
    expect(eventOf(leave)?.occurredAtMs).toBe(1_790_000_001_437);
  });

  it.each<[object, string[]]>([
    [body(''), ['#/type']],
    [body('peer.join.success', {}, { type: 7 }), ['#/type']],
    [body('peer.join.success', {}, { id: undefined }), ['#/id']],
    [body('peer.join.success', {}, { data: [] }), ['#/data/room_id', '#/data/peer_id', '#/data/joined_at']],
    [body('peer.join.success', { room_id: 7, user_id: ['a'] }), ['#/data/room_id', '#/data/user_id']],
    [body('peer.join.success', { peer_id: {} }), ['#/data/peer_id']],
    [body('peer.join.success', { joined_at: '0001-01-01T00:00:00Z' }), ['#/data/joined_at']],
    [body('peer.join.success', { joined_at: 1_790_000_001 }), ['#/data/joined_at']],
    [body('peer.leave.success', { left_at: undefined }), ['#/data/left_at']],
    [body('peer.leave.success', { joined_at: undefined }), ['#/data/joined_at']],
    [body('peer.leave.success', { left_at: '21 September' }), ['#/data/left_at']],
  ])('is refused if its members are not valid: %j', (value, pointers) => {
    const translation = translate(value);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
